use super::*;
use proptest::prelude::*;
use tmuxagent_model::{ApprovalKind, ApprovalState, HostName, KeyStep, Millis, PaneId, PaneKey, ServerId};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn approval(id: &str) -> Approval {
    Approval {
        id: ApprovalId::new(id),
        revision: 1,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(3), pid: 7 },
        place: "proj:storyapp.0".into(),
        run: None,
        pipeline: None,
        stage: None,
        attempt: 1,
        question: "deploy?".into(),
        effect: vec![KeyStep::Text("npm run deploy".into()), KeyStep::Key("Enter".into())],
        effect_text: "npm run deploy".into(),
        effect_no: Vec::new(),
        option_effects: Vec::new(),
        evidence: vec![],
        options: vec![],
        confirm: None,
        approvers: Vec::new(),
        folder: String::new(),
        asked_at: NOW,
        expires_at: None,
        reminders: 0,
        decision: None,
        closed_at: None,
        undo_until: None,
    }
}

fn ring() -> Keyring {
    Keyring { current: Key::new([1; 32]), previous: vec![Key::new([2; 32]), Key::new([4; 32])] }
}

fn claims(approval: &Approval) -> Claims {
    Claims {
        approval: approval.id.clone(),
        revision: approval.revision,
        command: command_hash(approval),
        expires: NOW + Millis::from_secs(60),
    }
}

fn record(claims: &Claims) -> LinkRecord {
    LinkRecord {
        approval: claims.approval.clone(),
        revision: claims.revision,
        expires: claims.expires,
        state: LinkState::Open,
        to: Recipient::default(),
    }
}

fn genuine(approval: &Approval) -> Genuine {
    let issued = issue(&ring().current, &claims(approval), [9; 32]);
    authenticate(&ring(), &issued.token).unwrap()
}

#[test]
fn a_token_says_what_it_was_issued_for() {
    let asked = approval("01J8ZQ4M3V5C2N7R9T1W6X8Y0A");
    let issued = issue(&ring().current, &claims(&asked), [9; 32]);
    assert!(issued.token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "URL-safe");
    let token = authenticate(&ring(), &issued.token).unwrap();
    assert_eq!(token, Genuine { claims: claims(&asked), id_hash: issued.id_hash });
    assert_eq!(admit(&token, Some(&record(&token.claims)), Some(&asked), NOW), Ok(()));
}

#[test]
fn previous_keys_are_accepted_and_others_are_not() {
    let asked = approval("A");
    let previous = [2, 4].map(|byte| issue(&Key::new([byte; 32]), &claims(&asked), [9; 32]));
    let older = issue(&Key::new([3; 32]), &claims(&asked), [9; 32]);
    assert!(previous.iter().all(|issued| authenticate(&ring(), &issued.token).is_ok()));
    assert_eq!(authenticate(&ring(), &older.token), Err(TokenError::Forged));
}

#[test]
fn a_secret_text_is_one_key_everywhere() {
    assert_eq!(Key::from_secret("dinner"), Key::from_secret("dinner"));
    assert_ne!(Key::from_secret("dinner"), Key::from_secret("lunch"));
    assert!(!format!("{:?}", Key::new([0xab; 32])).contains("abab"), "a key never prints itself");
}

#[test]
fn it_expires_at_its_instant_and_not_before() {
    let asked = approval("A");
    let token = genuine(&asked);
    let record = record(&token.claims);
    let end = token.claims.expires;
    for (now, expected) in [
        (Timestamp(end.0 - 1), Ok(())),
        (end, Err(TokenError::Expired)),
        (Timestamp(end.0 + 1), Err(TokenError::Expired)),
        (Timestamp(i64::MAX), Err(TokenError::Expired)),
    ] {
        assert_eq!(admit(&token, Some(&record), Some(&asked), now), expected, "{now:?}");
    }
    // A question that is overdue and stays open takes the links of its later reminders.
    let overdue = Approval { expires_at: Some(NOW - Millis(1)), ..asked };
    assert_eq!(admit(&token, Some(&record), Some(&overdue), NOW), Ok(()));
}

#[test]
fn every_other_reason_has_its_name() {
    let asked = approval("A");
    let token = genuine(&asked);
    let open = record(&token.claims);
    let used = LinkRecord { state: LinkState::Used, ..open.clone() };
    let revoked = LinkRecord { state: LinkState::Revoked, ..open.clone() };
    let other_link = LinkRecord { approval: ApprovalId::new("B"), ..open.clone() };
    let other = approval("B");
    let decided = Approval { state: ApprovalState::Approved, ..asked.clone() };
    let expired = Approval { state: ApprovalState::Expired, ..asked.clone() };
    let newer = Approval { revision: 2, ..asked.clone() };
    let no = Approval { effect_no: vec![KeyStep::Text("n".into())], ..asked.clone() };
    let changed = Approval { effect_text: "rm -rf /".into(), ..asked.clone() };
    for (record, approval, expected) in [
        (None, Some(&asked), TokenError::Foreign),
        (Some(&open), None, TokenError::Foreign),
        (Some(&other_link), Some(&asked), TokenError::Foreign),
        (Some(&open), Some(&other), TokenError::Foreign),
        (Some(&used), Some(&asked), TokenError::Used),
        (Some(&revoked), Some(&asked), TokenError::Revoked),
        (Some(&open), Some(&decided), TokenError::Used),
        (Some(&open), Some(&expired), TokenError::Undecided),
        (Some(&open), Some(&newer), TokenError::Revoked),
        (Some(&open), Some(&no), TokenError::Revoked),
        (Some(&open), Some(&changed), TokenError::Revoked),
    ] {
        assert_eq!(admit(&token, record, approval, NOW), Err(expected));
    }
}

#[test]
fn a_hundred_thousand_forgeries_and_none_is_accepted() {
    // Whole bodies with every field right and a guessed MAC, random noise, and tokens of other keys.
    let asked = approval("01J8ZQ4M3V5C2N7R9T1W6X8Y0A");
    let ring = ring();
    let real = URL_SAFE_NO_PAD.decode(issue(&ring.current, &claims(&asked), [9; 32]).token).unwrap();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let accepted = (0..100_000_u32).filter(|n| {
        let mut bytes = real.clone();
        let length = bytes.len();
        match n % 3 {
            0 => bytes[length - 32..].iter_mut().for_each(|b| *b = random() as u8),
            1 => bytes.iter_mut().for_each(|b| *b = random() as u8),
            _ => {
                let mut key = [0; 32];
                key.iter_mut().for_each(|b| *b = random() as u8);
                let token = issue(&Key::new(key), &claims(&asked), [9; 32]).token;
                return authenticate(&ring, &token).is_ok();
            }
        }
        bytes != real && authenticate(&ring, &URL_SAFE_NO_PAD.encode(bytes)).is_ok()
    });
    assert_eq!(accepted.count(), 0);
}

#[test]
fn the_short_code_changes_with_what_is_asked() {
    let asked = approval("A");
    let changed = Approval { effect_text: "other".into(), ..asked.clone() };
    assert_eq!(short_code(&asked).len(), 4);
    assert_eq!(short_code(&asked), short_code(&asked.clone()));
    assert_ne!(short_code(&asked), short_code(&changed));
}

proptest! {
    #[test]
    fn no_flipped_bit_is_accepted(id in "[0-9A-Z]{1,40}", position in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let asked = approval(&id);
        let mut bytes = URL_SAFE_NO_PAD.decode(issue(&ring().current, &claims(&asked), [9; 32]).token).unwrap();
        let index = position.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert_eq!(authenticate(&ring(), &URL_SAFE_NO_PAD.encode(bytes)), Err(TokenError::Forged));
    }

    #[test]
    fn no_changed_sign_of_the_text_is_accepted(position in any::<prop::sample::Index>(), sign in "[A-Za-z0-9_=.%+/-]") {
        let text = issue(&ring().current, &claims(&approval("A")), [9; 32]).token;
        let index = position.index(text.len());
        let changed = format!("{}{sign}{}", &text[..index], &text[index + 1..]);
        prop_assume!(changed != text);
        prop_assert_eq!(authenticate(&ring(), &changed), Err(TokenError::Forged));
    }

    #[test]
    fn any_text_is_only_refused(text in ".{0,600}") {
        prop_assert_eq!(authenticate(&ring(), &text), Err(TokenError::Forged));
    }

    #[test]
    fn expiry_holds_wherever_it_lies(end in any::<i64>(), now in any::<i64>()) {
        let asked = approval("A");
        let claims = Claims { expires: Timestamp(end), ..claims(&asked) };
        let token = authenticate(&ring(), &issue(&ring().current, &claims, [9; 32]).token).unwrap();
        let admitted = admit(&token, Some(&record(&claims)), Some(&asked), Timestamp(now)).is_ok();
        prop_assert_eq!(admitted, now < end);
    }
}
