//! What signing in costs. It belongs to no account, and the gateway itself never does it.

use dav115::app::{SignIn, probe};
use dav115::model::LoginApp;
use sim115::{LoginAction, Tree};

use crate::harness::{configuration, simulator};

#[tokio::test]
async fn signing_in_costs_a_call_for_each_step_and_one_more_to_see_whether_it_worked() {
    let sim = simulator(Tree::Empty).await;
    let config = configuration(&sim);
    let sign_in = SignIn::new(&config).unwrap();
    let code = sign_in.code(LoginApp::AlipayMini).await.unwrap();
    assert!(sim.act_on_login(LoginAction::Scan));
    sign_in.state(&code).await.unwrap();
    assert!(sim.act_on_login(LoginAction::Confirm));
    sign_in.state(&code).await.unwrap();
    let login = sign_in.redeem(code.uid(), LoginApp::AlipayMini).await.unwrap();
    probe(&config, "main", &login.cookie).await.unwrap();
    let counts = [("login_token", 1), ("login_status", 2), ("login_redeem", 1), ("index_info", 1)];
    for (label, calls) in counts {
        assert_eq!(sim.calls(label), calls, "{label}");
    }
    assert_eq!(sim.api_calls(), counts.iter().map(|(_, calls)| calls).sum::<usize>());
}
