//! The simulator as a program: starts the server, says how to reach it, and runs until interrupted.

use std::io::Write as _;
use std::net::SocketAddr;

use clap::Parser;
use sim115::{Behaviours, Binding, Content, EmptyAgent, Options, ShareSpec, Sim, Tree};

/// A simulated 115 cloud drive.
#[derive(Debug, Parser)]
#[command(name = "sim115", version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:9115")]
    listen: SocketAddr,

    /// Tree to serve: demo, demo-small, nasty, empty, flat:<files>, or <folders>x<files>.
    #[arg(long, default_value_t = Tree::Demo)]
    tree: Tree,

    /// Add a share: its share code, its receive code (may be empty), its tree as for --tree, and its state as a number
    /// (1 is normal and the default, 4 cancelled, 7 expired); may be given several times. Example:
    /// sw3abc12xyz:a1b2:demo-small.
    #[arg(long = "share", value_name = "CODE:RECEIVE:TREE[:STATE]")]
    shares: Vec<ShareSpec>,

    /// Let the files of the shares be downloaded without a login.
    #[arg(long)]
    share_skip_login: bool,

    /// Block the share calls of an address after this many within the window; 0 never blocks.
    #[arg(long, default_value_t = 0, value_name = "CALLS")]
    share_waf_calls: u32,

    /// Let a content of this many bytes, made by rule from the seed, lie somewhere at 115, so that it can be taken over
    /// without its bytes; may be given several times.
    #[arg(long = "known", value_name = "BYTES[:SEED]", value_parser = known)]
    known: Vec<Content>,

    /// Scheme and authority that download links point to [default: the address listened on].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// Block a cookie after this many calls within the window; 0 never blocks.
    #[arg(long, default_value_t = 0, value_name = "CALLS")]
    waf_calls: u32,

    /// The firewall's window in seconds.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    waf_window: u64,

    /// How long the firewall blocks, in seconds.
    #[arg(long, default_value_t = 1200, value_name = "SECONDS")]
    waf_block: u64,

    /// Milliseconds every call takes.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,

    /// Seconds a download link lives.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    link_lifetime: u64,

    /// What links are bound to when asked for with a User-Agent: free, agent, or agent-and-cookie.
    #[arg(long, default_value = "agent", value_parser = binding)]
    link_binding: Binding,

    /// What an empty User-Agent leads to: granted, refused, refused-with-cookie, or cdn-rejects.
    #[arg(long, default_value = "granted", value_parser = empty_agent)]
    empty_agent: EmptyAgent,

    /// Bytes per second of each download; 0 is without limit.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    cdn_rate: u64,

    /// Change the types of numbers and texts from answer to answer.
    #[arg(long)]
    jitter: bool,
}

fn known(text: &str) -> Result<Content, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(|error| format!("`{digits}`: {error}"));
    let (size, seed) = text.split_once(':').unwrap_or((text, "0"));
    Ok(Content::Rule { seed: number(seed)?, size: number(size)? })
}

fn binding(text: &str) -> Result<Binding, String> {
    match text {
        "free" => Ok(Binding::Free),
        "agent" => Ok(Binding::Agent),
        "agent-and-cookie" => Ok(Binding::AgentAndCookie),
        _ => Err("expected free, agent, or agent-and-cookie".to_owned()),
    }
}

fn empty_agent(text: &str) -> Result<EmptyAgent, String> {
    match text {
        "granted" => Ok(EmptyAgent::Granted),
        "refused" => Ok(EmptyAgent::Refused),
        "refused-with-cookie" => Ok(EmptyAgent::RefusedWithCookie),
        "cdn-rejects" => Ok(EmptyAgent::CdnRejects),
        _ => Err("expected granted, refused, refused-with-cookie, or cdn-rejects".to_owned()),
    }
}

impl Arguments {
    fn apply(&self, behaviours: &mut Behaviours) {
        behaviours.waf_calls = self.waf_calls;
        behaviours.waf_window_secs = self.waf_window;
        behaviours.waf_block_secs = self.waf_block;
        behaviours.share_waf_calls = self.share_waf_calls;
        behaviours.link_lifetime_secs = self.link_lifetime;
        behaviours.link_binding = self.link_binding;
        behaviours.empty_agent = self.empty_agent;
        behaviours.cdn_bytes_per_sec = self.cdn_rate;
        behaviours.type_jitter = self.jitter;
        if self.latency > 0 {
            behaviours.latency_ms.insert("*".to_owned(), self.latency);
        }
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let options = Options {
        listen: arguments.listen,
        tree: arguments.tree.clone(),
        public_url: arguments.public_url.clone(),
    };
    let sim = Sim::start(options).await?;
    sim.behave(|behaviours| arguments.apply(behaviours));
    for spec in &arguments.shares {
        sim.add_share(spec);
        sim.share(&spec.code, |share| share.skip_login = arguments.share_skip_login);
    }
    for content in &arguments.known {
        sim.know(content);
    }
    let mut output = std::io::stdout();
    let (base_url, cookie, modulus) = (sim.base_url(), sim.cookie(), sim.modulus_hex());
    writeln!(output, "{base_url}\n{cookie}\n{modulus}\n{}", sim.ec_public_key())?;
    output.flush()?;
    tokio::signal::ctrl_c().await?;
    sim.stop().await;
    Ok(())
}
