//! Bodies that nobody reads to their end. When an answer is given early (too large, not signed), actix-http goes on reading a chunked body as long as its sender
//! likes, once the handler has dropped it. Held until the answer is written it counts as unread instead: the connection is closed after a short time in which the
//! sender can take the answer.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    middleware::Next,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

/// The body of an answer, with what is left of the request.
pub struct Holding {
    body: BoxBody,
    _rest: Rc<RefCell<Payload>>,
}

pub async fn hold(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<Holding>, Error> {
    let rest = Rc::new(RefCell::new(request.take_payload()));
    let read = Rc::clone(&rest);
    request.set_payload(Payload::Stream { payload: Box::pin(stream::poll_fn(move |context| read.borrow_mut().poll_next_unpin(context))) });
    Ok(next.call(request).await?.map_body(|_, body| Holding { body: body.boxed(), _rest: rest }))
}

impl MessageBody for Holding {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(context)
    }
}
