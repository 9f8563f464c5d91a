#[tokio::main]
async fn main() {
    let s = sendbox_sandbox::Sandbox::new(Default::default()).unwrap();
    let b = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let t = std::time::Instant::now();
    match s.load(&b).await { Ok(c) => { let i = c.inspect(); println!("{:?} {:?} {}", i.shape, i.metadata.manifest, i.metadata.parameters_schema) }, Err(e) => println!("ERR {e}") }
    println!("{:?}", t.elapsed());
}
