use super::world::run;

#[tokio::test]
async fn every_help_is_what_it_was() {
    for command in ["", "serve", "send", "inspect", "simulate", "demo", "new"] {
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|one| !one.is_empty()).collect();
        let ran = run(&args).await;
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{command}");
        let name = if command.is_empty() { "help".to_owned() } else { format!("help-{command}") };
        insta::assert_snapshot!(name, ran.stdout);
    }
}
