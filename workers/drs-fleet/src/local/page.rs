//! The page of `local`: Slack channel and mailbox side by side, newest first.

use drs_fleet_local::sns::Mail;
use serde_json::Value;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>drs-fleet local</title>\
<meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"3\"><style>\
body{font:15px/1.45 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1d1c1d}\
header{background:#17202b;color:#fff;padding:14px 24px;font-size:18px}\
main{display:grid;grid-template-columns:1fr 1fr;gap:24px;padding:24px}\
article{overflow-wrap:anywhere;background:#fff;border-radius:6px;padding:12px 16px;margin-bottom:14px;box-shadow:0 1px 3px #0002}\
h2{font-size:16px;margin:0 0 12px}h3{font-size:15px;margin:0 0 8px}\
dl{display:grid;grid-template-columns:1fr 1fr;gap:6px 18px;margin:0 0 8px}dt{font-weight:600}dd{margin:0}\
.card{padding:2px 0 2px 14px;margin:6px 0}.card p{margin:6px 0}\
.replies{margin:10px 0 0 18px;border-top:1px solid #ddd}\
pre{white-space:pre-wrap;margin:0;font:13px/1.45 ui-monospace,monospace}.when{color:#616061;font-size:13px}\
@media(max-width:900px){main{grid-template-columns:1fr}}</style></head><body>";

/// The whole page.
pub(super) fn render(slack: &[Value], mails: &[Mail]) -> String {
    let is_root = |message: &&Value| message["thread_ts"].is_null();
    let channel: String = slack.iter().rev().filter(is_root).map(|root| thread(root, slack)).collect();
    let mailbox: String = mails.iter().rev().map(mail).collect();
    format!(
        "{HEAD}<header>drs-fleet local</header><main><section><h2>Slack channel ({})</h2>{}</section>\
         <section><h2>Mailbox ({})</h2>{}</section></main></body></html>",
        slack.len(),
        or_nothing(&channel),
        mails.len(),
        or_nothing(&mailbox),
    )
}

fn or_nothing(items: &str) -> &str {
    if items.is_empty() { "<p class=\"when\">Nothing yet.</p>" } else { items }
}

/// A message and its replies, oldest first as Slack shows a thread.
fn thread(root: &Value, all: &[Value]) -> String {
    let is_reply = |message: &&Value| !root["ts"].is_null() && message["thread_ts"] == root["ts"];
    let replies: Vec<String> = all.iter().filter(is_reply).map(slack_message).collect();
    let below = match replies.len() {
        0 => String::new(),
        1 => format!("<div class=\"replies\"><p class=\"when\">1 reply</p>{}</div>", replies[0]),
        more => {
            format!("<div class=\"replies\"><p class=\"when\">{more} replies</p>{}</div>", replies.concat())
        }
    };
    format!("<article>{}{below}</article>", slack_message(root))
}

/// The text as Slack shows it above the card.
fn slack_message(message: &Value) -> String {
    let text = lines(&mrkdwn(message["text"].as_str().unwrap_or_default()));
    let attachment = &message["attachments"][0];
    let color = attachment["color"].as_str().unwrap_or("#cccccc");
    let ts = message["ts"].as_str().unwrap_or_default();
    let blocks = attachment["blocks"].as_array().into_iter().flatten();
    let blocks: String = blocks.map(|each| block(each, ts)).collect();
    let card =
        format!("<div class=\"card\" style=\"border-left:4px solid {}\">{blocks}</div>", escape(color));
    format!("<p>{text}</p>{}", if blocks.is_empty() { "" } else { &card })
}

fn lines(html: &str) -> String {
    html.replace('\n', "<br>")
}

/// A block of the message `ts`.
fn block(block: &Value, ts: &str) -> String {
    let text = |value: &Value| lines(&mrkdwn(value["text"].as_str().unwrap_or_default()));
    match block["type"].as_str() {
        Some("header") => {
            format!("<h3>{}</h3>", escape(block["text"]["text"].as_str().unwrap_or_default()))
        }
        Some("section") if block["fields"].is_array() => {
            let field = |f: &Value| format!("<div>{}</div>", text(f));
            let fields: String = block["fields"].as_array().into_iter().flatten().map(field).collect();
            format!("<dl>{fields}</dl>")
        }
        Some("section") => format!("<p>{}</p>", text(&block["text"])),
        Some("actions") => {
            let label = block["elements"][0]["text"]["text"].as_str().unwrap_or_default();
            let (ts, label) = (escape(ts), escape(label));
            format!("<form method=\"post\" action=\"/click/{ts}\"><button>{label}</button></form>")
        }
        _ => {
            let elements = block["elements"].as_array().into_iter().flatten();
            format!("<p class=\"when\">{}</p>", elements.map(text).collect::<Vec<_>>().join(" &nbsp; "))
        }
    }
}

/// As much of Slack's markup as the messages use: `*bold*` and `<link|text>`. What came from outside has its
/// `&`, `<` and `>` escaped already, as Slack wants it; quotes are escaped here.
fn mrkdwn(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text.replace('"', "&quot;");
    while let Some((before, after)) = rest.split_once('<') {
        html.push_str(before);
        let (inside, behind) = after.split_once('>').unwrap_or((after, ""));
        let (link, label) = inside.split_once('|').unwrap_or((inside, inside));
        html.extend(["<a href=\"", link, "\">", label, "</a>"]);
        rest = behind.to_owned();
    }
    html.push_str(&rest);
    match html.split('*').collect::<Vec<_>>()[..] {
        [before, bold, ref behind @ ..] if !behind.is_empty() => {
            format!("{before}<b>{bold}</b>{}", behind.join("*"))
        }
        _ => html,
    }
}

fn mail(mail: &Mail) -> String {
    format!(
        "<article><h3>{}</h3><p class=\"when\">{} to {}</p><pre>{}</pre></article>",
        escape(&mail.subject),
        mail.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        escape(&mail.to),
        escape(&mail.body)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use drs_fleet_domain::incident::{IncidentKind, Severity};
    use drs_fleet_domain::keys::Place;
    use drs_fleet_domain::message::{self, Links};
    use drs_fleet_domain::notify::{Bulletin, Digest};
    use drs_fleet_domain::own_event::IncidentEvent;

    use super::*;

    /// The incidents in `events/drs-fleet/`: every kind, and everything that happens to one.
    fn incidents() -> Vec<IncidentEvent> {
        let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/drs-fleet");
        let types = ["opened", "escalated", "reopened", "resolved"];
        let folders =
            types.map(|happened| fs::read_dir(events.join(format!("incident-{happened}"))).unwrap());
        let read = |file: std::io::Result<fs::DirEntry>| {
            let event: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            serde_json::from_value(event["detail"].clone()).unwrap()
        };
        folders.into_iter().flatten().map(read).collect()
    }

    /// A message as Slack keeps it.
    fn posted(mut message: Value, ts: &str, thread: Option<&str>) -> Value {
        message["ts"] = ts.into();
        message["thread_ts"] = thread.into();
        message
    }

    #[test]
    fn replies_are_shown_below_the_first_message_of_their_thread() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let (kind, at) = (IncidentKind::ReplicationStalled, "2026-08-22T20:12:19Z".parse().unwrap());
        let of = |n| Bulletin::from(message::sample(kind, Severity::Critical, n, &place, at));
        let root = |n| message::slack_with_button(&of(n), &Links::default());
        let messages = [
            posted(root(47), "1.1", None),
            posted(root(1), "2.2", None),
            posted(message::slack_reply(&of(12)), "3.3", Some("1.1")),
            posted(message::slack_reply(&of(3)), "4.4", Some("1.1")),
        ];
        let shown = render(&messages, &[]);
        let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text} in {shown}"));
        let order =
            [at("sample-server-1</h3>"), at("47 servers"), at("2 replies"), at("12 new"), at("3 new")];
        assert!(order.is_sorted(), "{order:?}");
    }

    #[test]
    fn every_message_is_shown_as_it_reads_in_its_channel() {
        let incidents = incidents();
        assert!(incidents.len() > 14, "{}", incidents.len());
        for event in incidents {
            let (bulletin, links) = (Digest::of_one(&event).into(), Links::default());
            let (slack, mail) = (message::slack(&bulletin, &links), message::email(&bulletin, &links));
            let (to, from) = ("dr@example.com".into(), "no-reply@sns.amazonaws.com".into());
            let mail = Mail { to, from, subject: mail.subject, body: mail.body, at: event.at };
            let shown = render(std::slice::from_ref(&slack), std::slice::from_ref(&mail));
            let header = slack["attachments"][0]["blocks"][0]["text"]["text"].as_str().unwrap();
            for text in [header, &mail.subject, &mail.body] {
                assert!(shown.contains(&escape(text)), "{text} in {shown}");
            }
            assert!(shown.contains("<b>Severity</b><br>"), "{shown}");
            let has_console = message::console_link(&event).is_some();
            assert_eq!(shown.contains(">Open in the AWS console</a>"), has_console, "{shown}");
            assert_eq!(shown.contains("<b>What to do:</b>"), mail.body.contains("What to do:"), "{shown}");
        }
    }
}
