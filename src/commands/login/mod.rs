//! `dav115 login`: signs in to 115 by QR code and puts the cookie where the gateway looks for it.
//!
//! What can be refused is refused before the first call, and before anybody has taken out a phone.

mod drawing;
mod file;
mod place;
mod terminal;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::time::Instant;

use self::drawing::Drawing;
use self::file::Owner;
use self::place::Place;
use self::terminal::Terminal;
use super::readable;
use crate::app::{SignIn, probe};
use crate::cli;
use crate::config::{Config, Overrides, Sources};
use crate::model::{LoginApp, Secret};
use crate::pan115::{ErrorKind, Login, Pan115Error, QrCode, QrState, qr_uid};

/// How many QR codes are shown when nobody can be asked.
const MOST_CODES: u32 = 3;
/// How long 115 may be out of reach while a QR code is waited for.
const LONGEST_SILENCE: Duration = Duration::from_secs(120);
/// When a QR code is given up that 115 does not call expired. No source tells how long they live; minutes, it is said.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Signs in.
pub(super) async fn run(login: &cli::Login) -> anyhow::Result<ExitCode> {
    let sources = Sources::from_process(login.config.path.clone(), Overrides::default())?;
    let config = Config::load_to_sign_in(&sources)?;
    let place = match (&login.account, &login.output) {
        (Some(name), _) => Place::of_account(name, &config, sources.file.as_deref())?,
        (None, Some(path)) => Place::of_file(path)?,
        (None, None) => bail!("name the account with --account, or a file with --output"),
    };
    file::check_replaceable(&place.path)?;
    if let Some(png) = &login.png {
        file::check_replaceable(png)?;
    }
    let scanned = login
        .token
        .as_ref()
        .map(|given| qr_uid(given.expose()).context("--token: this is no UID of a QR code"));
    let scanned = scanned.transpose()?;
    let sign_in = SignIn::new(&config)?;
    let terminal = Terminal::new(login.ascii);
    announce(&terminal, &place, login.app)?;
    let uid = match scanned {
        Some(uid) => uid,
        None => scan(&sign_in, login, &terminal).await?,
    };
    let new = sign_in
        .redeem(&uid, login.app)
        .await
        .map_err(|error| anyhow!("115 did not sign in, and nothing was stored: {}", error.message))?;
    check_user(&terminal, &place, &new, login.other_user)?;
    // Before anything is said of it: what is said may fail, and the cookie must not be lost by that.
    let owner = file::replace(&place.path, format!("{}\n", new.cookie.header().expose()).as_bytes())
        .context("115 signed in, but the cookie is not where it belongs")?;
    welcome(&terminal, &place, login.app, &new)?;
    terminal
        .say(format_args!("The cookie is in {}, which only its owner can read.", place.path.display()))?;
    if owner == Owner::Changed {
        terminal.say(
            "Attention: the file was another user's, and now it is yours. If the gateway runs as that user, give it \
             back with chown.",
        )?;
    }
    let name = place.account.as_deref().unwrap_or("of this cookie");
    let space = probe(&config, name, &new.cookie).await.map_err(|error| {
        anyhow!("the cookie is stored, but asking 115 about it failed: {error:#}; `dav115 check` asks again")
    })?;
    terminal.say(format_args!(
        "115 takes it: the account of {} has {} used and {} free.",
        whose(&new),
        readable(space.used),
        readable(space.left)
    ))?;
    terminal.say(match place.account {
        Some(_) => "A running gateway reads the file by itself before its next call; nothing has to be restarted.",
        None => {
            "Name the file as cookie_file of an account; a running gateway that has it there reads it by itself, \
             without a restart."
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says what will be done, and what it will end.
fn announce(terminal: &Terminal, place: &Place, app: LoginApp) -> anyhow::Result<()> {
    let path = place.path.display();
    let account = place.account.as_ref().map_or(String::new(), |name| format!(" for the account {name:?}"));
    terminal.say(format_args!(
        "Signing in to 115 as the app {} (slot {}){account}; the cookie goes to {path}.",
        app.name(),
        app.slot()
    ))?;
    terminal.say(format_args!(
        "115 keeps one login for each app, so the same app slot is logged out elsewhere: whatever is signed in as {} \
         with the same 115 user.",
        app.name()
    ))?;
    let ended = place.user().map(|(user, _)| place.ended_by(app, user)).unwrap_or_default();
    if !ended.is_empty() {
        terminal.say(format_args!("Of the cookies known here this ends {}.", ended.join(" and ")))?;
    }
    if let Some(slot) = place.other_slot(app) {
        terminal.say(format_args!(
            "The cookie now in {path} is of slot {slot}: it is replaced here, but stays good at 115."
        ))?;
    }
    Ok(())
}

/// Shows QR codes until one is confirmed, and gives its uid.
async fn scan(sign_in: &SignIn, login: &cli::Login, terminal: &Terminal) -> anyhow::Result<Secret> {
    let mut shown = 0;
    loop {
        let code = sign_in.code(login.app).await;
        let code = code.map_err(|error| anyhow!("there is no QR code to be had: {}", error.message))?;
        show(&code, login.png.as_deref(), terminal)?;
        shown += 1;
        match wait(sign_in, &code, terminal).await? {
            End::Confirmed => return Ok(code.uid().clone()),
            End::Cancelled => bail!(
                "the sign-in was cancelled on the phone, and nothing was changed; run this again for another QR code"
            ),
            End::Expired if terminal.is_interactive => {
                if !terminal.ask("The QR code has expired. Show a new one?", true)? {
                    bail!("the QR code has expired, and nothing was changed");
                }
            }
            End::Expired if shown < MOST_CODES => {
                terminal.say("The QR code has expired; here is a new one.")?;
            }
            End::Expired => bail!(
                "{MOST_CODES} QR codes have expired without being scanned, and nothing was changed; run this again"
            ),
        }
    }
}

fn show(code: &QrCode, png: Option<&Path>, terminal: &Terminal) -> anyhow::Result<()> {
    let drawing = Drawing::new(code.content().expose())?;
    let Some(path) = png else {
        terminal.say("Scan this with the 115 app on your phone, and confirm there:")?;
        terminal.draw(&drawing)?;
        return Ok(());
    };
    file::replace(path, &drawing.png()?)?;
    terminal.say(format_args!(
        "The QR code is in {}: open it, scan it with the 115 app, and confirm there.",
        path.display()
    ))?;
    Ok(())
}

/// How a QR code ends.
enum End {
    Confirmed,
    Cancelled,
    Expired,
}

/// Waits for the end of a QR code, and says what happens to it. A network that is gone for a while is waited for.
async fn wait(sign_in: &SignIn, code: &QrCode, terminal: &Terminal) -> anyhow::Result<End> {
    terminal.say("Waiting for the scan ...")?;
    let began = Instant::now();
    let (mut heard, mut is_lost, mut is_scanned) = (began, false, false);
    while began.elapsed() < LONGEST_WAIT {
        let state = match sign_in.state(code).await {
            Ok(state) => state,
            Err(error) if passes(&error) && heard.elapsed() < LONGEST_SILENCE => {
                if !is_lost {
                    terminal.say(format_args!("There is no answer ({}); trying on ...", error.message))?;
                }
                is_lost = true;
                continue;
            }
            Err(error) => bail!("what became of the QR code cannot be told: {}", error.message),
        };
        heard = Instant::now();
        if std::mem::take(&mut is_lost) {
            terminal.say("115 answers again.")?;
        }
        match state {
            None | Some(QrState::Waiting) => {}
            Some(QrState::Scanned) => {
                if !std::mem::replace(&mut is_scanned, true) {
                    terminal.say("Scanned; confirm the sign-in on the phone ...")?;
                }
            }
            Some(QrState::Confirmed) => return Ok(End::Confirmed),
            Some(QrState::Cancelled) => return Ok(End::Cancelled),
            Some(QrState::Expired) => return Ok(End::Expired),
        }
    }
    Ok(End::Expired)
}

/// Whether a failure may be over soon.
fn passes(error: &Pan115Error) -> bool {
    matches!(error.kind, ErrorKind::Transport(_) | ErrorKind::Server | ErrorKind::Busy)
}

/// Says who signed in, and which cookies that ended beyond those that were announced.
fn welcome(terminal: &Terminal, place: &Place, app: LoginApp, new: &Login) -> anyhow::Result<()> {
    terminal.say(format_args!("Signed in as {}, in slot {}.", whose(new), new.cookie.app()))?;
    let user = new.cookie.user();
    let was_known = place.user().is_some_and(|(known, _)| known == user);
    let ended = if was_known { Vec::new() } else { place.ended_by(app, user) };
    if !ended.is_empty() {
        terminal.say(format_args!("Of the cookies known here this has ended {}.", ended.join(" and ")))?;
    }
    Ok(())
}

/// Makes sure that nobody's account is swapped for another by mistake.
fn check_user(terminal: &Terminal, place: &Place, new: &Login, is_allowed: bool) -> anyhow::Result<()> {
    let Some((user, known_from)) = place.user().filter(|(user, _)| *user != new.cookie.user()) else {
        return Ok(());
    };
    let what = format!("this is {}, but {known_from} is of 115 user {user}", whose(new));
    if is_allowed {
        terminal.say(format_args!("Note: {what}."))?;
    } else if !terminal.is_interactive {
        bail!("{what}; nothing was stored. Sign in as user {user}, or allow this one with --other-user");
    } else {
        terminal.say(format_args!("Attention: {what}."))?;
        if !terminal.ask("Store the cookie all the same?", false)? {
            bail!("nothing was stored");
        }
    }
    Ok(())
}

/// Who signed in, in the midst of a sentence.
fn whose(login: &Login) -> String {
    let user = login.cookie.user();
    login.user_name.as_ref().map_or(format!("115 user {user}"), |name| format!("{name} (115 user {user})"))
}
