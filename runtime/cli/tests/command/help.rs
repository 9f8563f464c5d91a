use super::fixture::run;

#[tokio::test]
async fn every_help_text_matches_its_snapshot() {
    let connector = [
        "push",
        "list",
        "versions",
        "show",
        "approve",
        "canary",
        "activate",
        "rollback",
        "status",
        "shapes",
        "approve-shape",
        "delete",
    ];
    let connector = connector.map(|action| format!("connector {action}"));
    let ingress =
        ["create", "list", "show", "calls", "secret", "rotate", "delete"].map(|action| format!("ingress {action}"));
    let commands =
        ["", "serve", "send", "inspect", "simulate", "demo", "new", "dev", "connector", "ingress", "events", "listen"];
    let events = ["events list", "events follow", "events resend"];
    let actions = connector.iter().chain(&ingress).map(String::as_str).chain(events);
    for command in commands.into_iter().chain(actions) {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = run(&args).await;
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{command}");
        let name = if command.is_empty() { "help".to_owned() } else { format!("help-{}", command.replace(' ', "-")) };
        insta::assert_snapshot!(name, ran.stdout);
    }
}
