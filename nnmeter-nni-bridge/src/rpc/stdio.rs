//! Standard input and output as a transport: a message a line, an answer a line.
//!
//! Answers come in the order in which calls end; ids tell which is whose. While many lines wait for
//! their answers, no more are read.

use std::io::{BufRead, Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::conform::Incoming;
use super::dispatch::{Dispatcher, Task};
use super::service::Source;
use crate::error::{Error, ErrorKind};

/// How many lines may wait for their answers.
const WAITING: usize = 64;

/// A count of lines that wait, which somebody can wait for.
#[derive(Default)]
struct Waiting {
    count: Mutex<usize>,
    fewer: Condvar,
}

impl Waiting {
    fn enter(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.fewer.wait_while(count, |count| *count >= WAITING);
        *room.unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn leave(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.fewer.notify_all();
    }

    fn wait_for_all(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.fewer.wait_while(count, |count| *count > 0));
    }
}

/// Answers lines until the input ends, or cannot be read any more, and all have their answers.
pub(super) fn serve(
    mut input: impl BufRead,
    output: impl Write + Send + 'static,
    dispatcher: &Dispatcher,
) {
    let most = dispatcher.service().limits().message_bytes;
    let output = Arc::new(Mutex::new(output));
    let waiting = Arc::new(Waiting::default());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input).take(most as u64 + 1).read_until(b'\n', &mut line);
        if read.unwrap_or(0) == 0 {
            return waiting.wait_for_all();
        }
        if line.len() > most {
            skip_rest(&mut input, &line);
            let refused = Incoming::refused(too_long(most));
            write(&output, dispatcher.service().answer(refused, Source::Stdio));
            continue;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        waiting.enter();
        let (output, waiting) = (Arc::clone(&output), Arc::clone(&waiting));
        let reply = move |answer| {
            write(&output, answer);
            waiting.leave();
        };
        let (message, source) = (std::mem::take(&mut line), Source::Stdio);
        dispatcher.submit_in_turn(Task { message, source, reply: Box::new(reply) });
    }
}

/// Reads on to the end of a line of which only the start was read.
fn skip_rest(input: &mut impl BufRead, start: &[u8]) {
    if !start.ends_with(b"\n") {
        // A read that fails shows in the next line.
        let _ = input.skip_until(b'\n');
    }
}

/// Writes an answer as a line. A reader that is gone ends its input as well, which ends the server.
fn write(output: &Mutex<impl Write>, answer: Option<Vec<u8>>) {
    if let Some(mut line) = answer {
        line.push(b'\n');
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = output.write_all(&line).and_then(|()| output.flush());
    }
}

fn too_long(most: usize) -> Error {
    Error::new(ErrorKind::TooLarge, "message", "is too long")
        .expected(format!("at most {most} bytes"))
}
