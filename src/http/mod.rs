//! STUB
use crate::{datasets::Datasets, intake::Secrets, store::Store};
use std::sync::Arc;
pub struct Service;
impl Service {
    pub fn new(_: Arc<Store>, _: Arc<Datasets>, _: Secrets, _: Vec<String>) -> Service {
        todo!()
    }
}
pub struct Running;
impl Running {
    pub async fn stop(&self) {}
}
pub fn start(_: Arc<Service>, _: Option<std::net::TcpListener>, _: Option<std::os::unix::net::UnixListener>) -> std::io::Result<Running> {
    todo!()
}
