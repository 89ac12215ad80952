//! HTML forms as senders post them: `multipart/form-data` and `application/x-www-form-urlencoded`. Names are compared as they are, case included, and a name may
//! come more than once: Mailgun sends `from` and `From` beside each other.

use std::borrow::Cow;

use bytes::Bytes;
use futures_util::{FutureExt, stream};

use super::{Delivery, Refusal};
use crate::limits;

pub(super) struct Field {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    /// Of a part of a multipart form, without parameters.
    pub(super) content_type: Option<String>,
    /// As sent; texts may be in another charset than UTF-8.
    pub(super) bytes: Bytes,
}

impl Field {
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

pub(super) struct Form(pub(super) Vec<Field>);

impl Form {
    pub(super) fn of(delivery: &Delivery) -> Result<Form, Refusal> {
        let content_type = delivery.content_type.as_deref().unwrap_or_default();
        if content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return urlencoded(&delivery.body);
        }
        let Ok(boundary) = multer::parse_boundary(content_type) else {
            return Err(Refusal::WrongType(format!("{} posts a form (multipart/form-data or application/x-www-form-urlencoded)", delivery.source)));
        };
        // The body is here whole, so the reader never has to wait.
        multipart(delivery.body.clone(), boundary).now_or_never().unwrap_or_else(|| Err(broken("it ends within a part")))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name == name)
    }

    /// The first field of this name that says something, as UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(Field::text).filter(|text| !text.trim().is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&Field, Refusal> {
        self.get(name).ok_or_else(|| Refusal::Malformed(format!("the form has no field '{name}'")))
    }
}

fn broken(why: &str) -> Refusal {
    Refusal::Malformed(format!("the form cannot be read: {why}"))
}

fn too_many() -> Refusal {
    broken(&format!("it has more than {} fields", limits::FORM_FIELDS_MAX))
}

fn urlencoded(body: &[u8]) -> Result<Form, Refusal> {
    if body.iter().filter(|byte| **byte == b'&').count() >= limits::FORM_FIELDS_MAX {
        return Err(too_many());
    }
    let field = |(name, value): (Cow<'_, str>, Cow<'_, str>)| Field {
        name: name.into_owned(),
        file_name: None,
        content_type: None,
        bytes: Bytes::from(value.into_owned()),
    };
    Ok(Form(form_urlencoded::parse(body).map(field).collect()))
}

async fn multipart(body: Bytes, boundary: String) -> Result<Form, Refusal> {
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(body)]), boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| broken(&error.to_string()))? {
        if fields.len() >= limits::FORM_FIELDS_MAX {
            return Err(too_many());
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(|of| of.essence_str().to_owned());
        let bytes = part.bytes().await.map_err(|error| broken(&error.to_string()))?;
        fields.push(Field { name, file_name, content_type, bytes });
    }
    Ok(Form(fields))
}
