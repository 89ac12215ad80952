//! Digests: what waited for a destination's daily hour goes out as one message. Gathered and made in one group of the log, so that after a kill either every message still
//! waits or the digest is there and each of them names it.

use super::{
    act::{Done, mark, refused},
    draft::{Draft, number, time},
    outbox::append,
    record::MessageAct,
    trees::Which,
};
use crate::{
    domain::{
        id::MessageId,
        message::{Gathered, Happened, Message, MessageState},
        time::At,
    },
    limits,
};

/// Makes one digest of what is due for a destination, up to `limits::DIGEST_MESSAGES_MAX`. A single message goes out as itself.
pub(super) fn gather(draft: &mut Draft<'_>, destination: &str, by: &str, now: At) -> Done<()> {
    let mut due = due_for(draft, destination, now)?;
    if due.len() < 2 {
        for mut message in due {
            message.state = MessageState::Pending;
            append(draft, message, MessageAct::Due, by, now)?;
        }
        return Ok(());
    }
    // In the order in which they happened.
    due.sort_by_key(|message| message.id);
    let of = due.iter().map(|message| Gathered { message: message.id, happened: message.happened.clone() }).collect();
    let digest = Happened::Digest { of };
    let Some(into) = draft.make_message("digest", destination, &digest, MessageState::Pending, &mark(by, now))? else {
        return refused(format!("a digest of {} was made already", due[0].id));
    };
    for mut message in due {
        message.state = MessageState::Gathered { into };
        append(draft, message, MessageAct::Gathered, by, now)?;
    }
    Ok(())
}

/// What waited for a destination and is due, the earliest first.
fn due_for(draft: &Draft<'_>, destination: &str, now: At) -> Done<Vec<Message>> {
    let (mut due, mut from) = (Vec::new(), Vec::new());
    while due.len() < limits::DIGEST_MESSAGES_MAX {
        let Some(mut found) = draft.first_from(Which::MessagesDeferred, &from)?.filter(|found| time(found) <= now.0) else { break };
        due.extend(draft.message(MessageId(number(&found[8..])))?.filter(|message| message.destination == destination));
        // The next key there can be.
        found.push(0);
        from = found;
    }
    Ok(due)
}
