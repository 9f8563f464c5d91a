wasmtime::component::bindgen!({ path: "../../wit/connector/v1", world: "reporting-connector", });
