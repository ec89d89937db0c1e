//! Where the mails of e-mail subscribers land: in memory, and in a directory that a person can read.

use std::collections::VecDeque;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;

use crate::world::lock;

/// Mails kept in memory; the files keep all.
const KEPT: usize = 10_000;
/// The sender that AWS uses.
const SENDER: &str = "AWS Notifications <no-reply@sns.amazonaws.com>";

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subscriber.
    pub to: String,
    /// Who it seems to be from.
    pub from: String,
    /// The subject line.
    pub subject: String,
    /// The text, with the footer.
    pub body: String,
    /// When it was sent, on the cloud's clock.
    pub at: Timestamp,
}

impl Mail {
    /// A mail from the service.
    pub fn new(to: &str, subject: &str, body: String, at: Timestamp) -> Self {
        Self { to: to.to_owned(), from: SENDER.to_owned(), subject: subject.to_owned(), body, at }
    }

    /// As an `.eml` file. Lines end as they do in a maildir, so that any editor shows them well.
    fn eml(&self, number: u64) -> String {
        let mut text = String::new();
        let date = self.at.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let _ = write!(
            text,
            "Date: {date}\nFrom: {}\nTo: {}\nSubject: {}\nMessage-ID: <{number}.{}@sns.local>\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n{}",
            self.from,
            self.to,
            self.subject,
            self.at.as_millisecond(),
            self.body
        );
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    fn file_name(&self, number: u64) -> String {
        format!("{}-{number:06}.eml", self.at.strftime("%Y-%m-%dT%H-%M-%S%.3fZ"))
    }
}

/// All mails.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    mails: VecDeque<Mail>,
    number: u64,
    directory: Option<PathBuf>,
}

impl Mailbox {
    /// From now on writes each mail to a file in `directory`, which is created.
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub fn keep_in(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        lock(&self.0).directory = Some(directory.to_owned());
        Ok(())
    }

    /// The mails so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.0).mails.iter().cloned().collect()
    }

    /// How many mails there were in all.
    pub fn sent(&self) -> u64 {
        lock(&self.0).number
    }

    /// Takes a mail in.
    pub fn put(&self, mail: Mail) {
        let mut inside = lock(&self.0);
        inside.number += 1;
        if let Some(directory) = &inside.directory {
            let path = directory.join(mail.file_name(inside.number));
            if let Err(error) = std::fs::write(&path, mail.eml(inside.number)) {
                tracing::warn!(%error, path = %path.display(), "mail not written");
            }
        }
        inside.mails.push_back(mail);
        if inside.mails.len() > KEPT {
            inside.mails.pop_front();
        }
    }
}
