//! What may be asked for: a decision, and a stage's next run. The supervisor has the last word on both.

use super::answer::{Outcome, json_text, outcome, own_document, refused, told};
use super::gate::Visit;
use super::people::Role;
use super::routes::Panel;
use super::screen::peer;
use super::sight::nothing;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_alerts::decide::{Refusal, Unsettled, done_unless};
use tmuxagent_alerts::web::{BODY, Form, Mistake, Pin};
use tmuxagent_ipc::hub::Call;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Command, Decider, Doubt, RunControl, RunId, Via};
use tmuxagent_text::{Lang, doubt, message};
use tokio::sync::oneshot;

/// How long the one loop may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// A decision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    /// The one that was shown.
    revision: u32,
    verdict: String,
    /// The answer's number, from 0.
    option: Option<usize>,
    /// The answer in words: one of the options, or the text that a command waits for.
    answer: Option<String>,
    /// The word that a yes takes.
    word: Option<String>,
    #[serde(default)]
    pin: String,
}

/// A stage's next run.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Again {
    pin: String,
}

/// A request's parts that can be kept over the reading of its body.
pub(crate) struct Opened<T> {
    /// Who.
    pub(crate) visit: Visit,
    /// What they want.
    pub(crate) body: T,
}

impl Panel {
    /// Lets somebody in who may act, and reads what they want.
    pub(crate) async fn open<T: DeserializeOwned>(&self, role: Role, request: Request) -> Result<Opened<T>, Response> {
        let visit = self.enter_to_act(role, request.headers(), request.extensions()).await?;
        let lang = visit.caller.lang;
        if !is_json(request.headers()) {
            let (en, zh) = ("The request's body must be JSON.", "请求正文必须是 JSON。");
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, lang, en, zh));
        }
        let body = tokio::time::timeout(BODY, Bytes::from_request(request, &())).await;
        let Ok(Ok(bytes)) = body else {
            return Err(refused(StatusCode::REQUEST_TIMEOUT, lang, "The request did not come whole.", "请求不完整。"));
        };
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let body = serde_json::from_slice(text).map_err(|_| incomplete(lang))?;
        Ok(Opened { visit, body })
    }

    /// Compares the PIN where one is asked for. One that is wrong too often ends the sign-in.
    pub(crate) async fn check_pin(&self, visit: &Visit, given: &str) -> Result<(), Response> {
        let lang = visit.caller.lang;
        match self.web.pin(visit.member.hash, given) {
            Pin::Right => return Ok(()),
            Pin::Wrong => return Err(refused(StatusCode::FORBIDDEN, lang, "Wrong PIN.", "PIN 错误。")),
            Pin::Locked => {}
        }
        let (name, address) = (&visit.member.name, visit.caller.address);
        if let Err(error) = self.people.forget(visit.member.hash, self.web.now()).await {
            self.web.tell(address, || format!("the panel's people can't be read: {error}"));
        }
        self.web.tell(address, || format!("a sign-in of {name} was ended after too many wrong PINs"));
        let (en, zh) = (
            "The PIN was wrong too often: you are signed out. Ask for a new invitation.",
            "PIN 连续输错：已退出登录，请索取新的邀请。",
        );
        Err(refused(StatusCode::UNAUTHORIZED, lang, en, zh))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn incomplete(lang: Lang) -> Response {
    let (en, zh) = (
        "The request was not complete, or says something that is not known: see /api/openapi.json.",
        "请求不完整，或含有未知内容：见 /api/openapi.json。",
    );
    refused(StatusCode::BAD_REQUEST, lang, en, zh)
}

/// What a decision says as the form of a link's page says it, whose rules are the same.
fn form(decided: &Decided, approval: &Approval) -> Option<Form> {
    let (mut option, mut word) = (decided.option, decided.word.clone());
    match &decided.answer {
        Some(answer) if approval.takes_text() || approval.confirm.is_some() => {
            word = word.or_else(|| Some(answer.clone()));
        }
        Some(answer) if option.is_none() => {
            let meant = approval.option_meant(answer)?;
            option = Some(approval.options.iter().position(|offered| offered == meant)?);
        }
        Some(_) | None => {}
    }
    let (nonce, word, pin) = (String::new(), word.unwrap_or_default(), String::new());
    Some(Form { nonce, verdict: decided.verdict.clone(), option, word, pin })
}

/// The sentence for a decision that names none of the answers to choose from, or another one.
fn unnamed(decided: &Decided, approval: &Approval) -> Option<String> {
    let chooses = !approval.options.is_empty() && decided.verdict == "approve";
    let answer = || match (&decided.answer, decided.option) {
        (Some(answer), _) => approval.not_offered(answer),
        (None, Some(number)) => approval.not_offered(&format!("option {number}")),
        (None, None) => {
            let offered = approval.options.join(", ");
            format!("a plain yes or no does not tell which answer; choose one of: {offered}")
        }
    };
    chooses.then(answer)
}

/// Decides an approval.
pub(crate) async fn decide(
    State(panel): State<Arc<Panel>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let Opened { visit, body } = panel.open::<Decided>(Role::Decide, request).await?;
    let (lang, redactor) = (visit.caller.lang, panel.web.redactor());
    let not_done = |status, text: &str| outcome(status, Outcome::NotDone, lang, text, redactor);
    let id = ApprovalId::new(id);
    let refusal = |refusal: &Refusal| not_done(refusal_status(refusal), &refusal.sentence(lang));
    let approval = panel.web.decisions().approval(&id).await.ok_or_else(|| refusal(&Refusal::Unknown))?;
    let who = visit.member.name.clone();
    if approval.state == ApprovalState::Pending {
        if !approval.is_for(&who) {
            return Err(not_done(StatusCode::FORBIDDEN, &message(lang, &approval.not_for(&who))));
        }
        if approval.revision != body.revision {
            return Err(refusal(&Refusal::Stale));
        }
    }
    let verdict = form(&body, &approval).ok_or(Mistake::Incomplete).and_then(|form| form.verdict(&approval, lang));
    let verdict = verdict.map_err(|mistake| match mistake {
        Mistake::Written(text) => not_done(StatusCode::UNPROCESSABLE_ENTITY, &text),
        Mistake::Incomplete => match unnamed(&body, &approval) {
            Some(text) => not_done(StatusCode::BAD_REQUEST, &message(lang, &text)),
            None => incomplete(lang),
        },
    })?;
    panel.check_pin(&visit, &body.pin).await?;
    let (by, approve) = (Decider::named(who, Via::Panel), verdict.approve);
    let settled = match panel.web.decisions().decide(&id, body.revision, verdict, by).await {
        Ok(settled) => settled,
        Err(unsettled) => return Ok(unsure(lang, &unsettled)),
    };
    Ok(match settled.end() {
        Ok(()) => {
            let now = panel.web.decisions().approval(&id).await.filter(|_| approve);
            let until = now.and_then(|now| done_unless(lang, &now, panel.web.now()));
            match (approve, until, approval.state) {
                (true, Some(until), _) => {
                    let told = lang.pick("Approved; UNTIL.", "已批准；UNTIL。").replace("UNTIL", &until);
                    done(&told)
                }
                (true, None, _) => done(lang.pick("Approved.", "已批准。")),
                (false, _, ApprovalState::Approved) => {
                    done(lang.pick("Taken back; nothing is done.", "已撤回，不执行任何操作。"))
                }
                (false, ..) => done(lang.pick("Rejected.", "已拒绝。")),
            }
        }
        Err(refused) => refusal(refused),
    })
}

const fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unknown => StatusCode::NOT_FOUND,
        Refusal::Decided(_) | Refusal::Closed | Refusal::Stale | Refusal::Other(_) => StatusCode::CONFLICT,
    }
}

pub(crate) fn done(text: &str) -> Response {
    json_text(StatusCode::OK, own_document(json!({ "outcome": Outcome::Done, "text": text })))
}

fn unsure(lang: Lang, unsettled: &Unsettled) -> Response {
    let end = match unsettled {
        Unsettled::NotTaken => Outcome::NotDone,
        Unsettled::Doubtful(_) => Outcome::Uncertain,
    };
    let status = StatusCode::SERVICE_UNAVAILABLE;
    json_text(status, own_document(told(status, end, lang, &unsettled.sentence(lang))))
}

/// Runs a stage again.
pub(crate) async fn retry(
    State(panel): State<Arc<Panel>>,
    Path((run, stage)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Response> {
    let Opened { visit, body } = panel.open::<Again>(Role::Admin, request).await?;
    let (lang, redactor) = (visit.caller.lang, panel.web.redactor());
    let run: RunId = run.parse().map_err(|_| nothing(lang))?;
    panel.check_pin(&visit, &body.pin).await?;
    let command = Command::Control { run, stage: Some(stage), control: RunControl::Retry };
    Ok(match ask(&panel, &visit, command).await? {
        Reply::Committed { text, .. } => outcome(StatusCode::OK, Outcome::Done, lang, &message(lang, &text), redactor),
        _ => done(lang.pick("Done.", "已完成。")),
    })
}

/// Asks the one loop for something in somebody's name: what it answers, or the answer that it was not done or is not certain.
pub(crate) async fn ask(panel: &Panel, visit: &Visit, command: Command) -> Result<Reply, Response> {
    let (lang, redactor) = (visit.caller.lang, panel.web.redactor());
    let (reply, answer) = oneshot::channel();
    let request = tmuxagent_ipc::wire::Request::Command { command };
    let call = Call { peer: peer(&panel.hub, &visit.member.name), request, reply };
    let answered = match panel.hub.calls.send(call).await {
        Ok(()) => tokio::time::timeout(ANSWER, answer).await,
        Err(_) => return Err(unsure(lang, &Unsettled::NotTaken)),
    };
    let uncertain = |why: &Doubt| {
        let text = doubt(lang, why);
        outcome(StatusCode::SERVICE_UNAVAILABLE, Outcome::Uncertain, lang, &text, redactor)
    };
    match answered {
        Ok(Ok(Reply::Error { kind, text })) => {
            Err(outcome(error_status(kind), Outcome::NotDone, lang, &message(lang, &text), redactor))
        }
        Ok(Ok(Reply::Uncertain { doubt })) => Err(uncertain(&doubt)),
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(_)) => Err(uncertain(&Doubt::Ended)),
        Err(_) => Err(uncertain(&Doubt::Slow)),
    }
}

const fn error_status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Ambiguous | ErrorKind::AlreadyDecided | ErrorKind::Stale | ErrorKind::Refused => {
            StatusCode::CONFLICT
        }
        ErrorKind::Ending => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::BadRequest | ErrorKind::UnknownRequest => StatusCode::BAD_REQUEST,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
