use super::*;

fn answer(label: &str, key: &str, role: AnswerRole) -> DialogAnswer {
    DialogAnswer { label: label.to_owned(), keys: vec![key.to_owned()], role }
}

fn command() -> Dialog {
    let answers = vec![
        answer("Yes", "1", AnswerRole::Once),
        answer("Yes, and don't ask again", "2", AnswerRole::Lasting),
        answer("No", "3", AnswerRole::Decline),
        answer("cancel", "Escape", AnswerRole::Cancel),
    ];
    Dialog { fingerprint: "f".to_owned(), answers, request: None }
}

fn said(approve: bool, answer: Option<&str>) -> Verdict {
    Verdict { approve, answer: answer.map(str::to_owned) }
}

#[test]
fn a_plain_yes_is_this_once_and_a_plain_no_declines() {
    let dialog = command();
    assert_eq!(dialog.verdict(&said(true, None)), Ok(said(true, Some("Yes"))));
    assert_eq!(dialog.verdict(&said(false, None)), Ok(said(false, Some("No"))));
}

#[test]
fn an_answer_counts_as_what_it_means_however_it_was_chosen() {
    let dialog = command();
    assert_eq!(dialog.verdict(&said(true, Some("No"))), Ok(said(false, Some("No"))));
    assert_eq!(dialog.verdict(&said(true, Some("cancel"))), Ok(said(false, Some("cancel"))));
    assert!(dialog.verdict(&said(false, Some("Yes"))).is_err(), "who rejects wants no yes");
    assert!(dialog.verdict(&said(true, Some("yes"))).is_err(), "labels are taken as they are shown");
}

#[test]
fn a_number_is_the_answer_that_shows_it() {
    let dialog = command();
    assert_eq!(dialog.verdict(&said(true, Some("2"))), Ok(said(true, Some("Yes, and don't ask again"))));
    assert_eq!(dialog.verdict(&said(true, Some("3"))), Ok(said(false, Some("No"))));
    assert_eq!(
        dialog.verdict(&said(false, Some("4"))),
        Ok(said(false, Some("cancel"))),
        "it shows none, so it is counted"
    );
    for none in ["0", "5", "-1", "1.", "١"] {
        assert!(dialog.verdict(&said(true, Some(none))).is_err(), "{none}");
    }
    // An answer may be called like a number, and one that is not offered has its number all the same.
    let other = |label: &str, key: &str| answer(label, key, AnswerRole::Other);
    let dialog =
        Dialog { fingerprint: "f".to_owned(), answers: vec![other("2", "1"), other("Blue", "3")], request: None };
    assert_eq!(dialog.verdict(&said(true, Some("2"))), Ok(said(true, Some("2"))));
    assert_eq!(dialog.verdict(&said(true, Some("3"))), Ok(said(true, Some("Blue"))));
}

#[test]
fn where_a_plain_answer_is_not_certain_one_must_be_named() {
    let other = |label: &str, key: &str| answer(label, key, AnswerRole::Other);
    let dialog =
        Dialog { fingerprint: "f".to_owned(), answers: vec![other("Red", "1"), other("Blue", "2")], request: None };
    assert!(dialog.verdict(&said(true, None)).unwrap_err().contains("Red, Blue"));
    assert!(dialog.verdict(&said(false, None)).is_err());
    assert_eq!(dialog.verdict(&said(true, Some("Blue"))), Ok(said(true, Some("Blue"))));
}
