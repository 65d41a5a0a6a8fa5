use super::*;
use tmuxagent_model::{PaneId, Timestamp};

fn owner(instance: &str, host: &str, place: &str, pid: u32) -> Owner {
    let host = HostName::new(host);
    Owner { instance: instance.to_owned(), host, place: place.to_owned(), pid, ..Owner::default() }
}

fn us() -> Owner {
    owner("desktop", "nas", "here", 1)
}

fn claim() -> Claim {
    Claim::new(us(), HashSet::new(), false, Instant::now())
}

fn claimed(token: &str, owner: Owner, lease: &str) -> Claimed {
    Claimed { token: token.to_owned(), owner: Some(owner), lease: lease.to_owned() }
}

/// What follows, `after` so many seconds, while every process lives.
fn says(claim: &mut Claim, start: Instant, after: u64, read: &Claimed) -> Next {
    claim.says(read.clone(), None, start + Duration::from_secs(after), true)
}

fn watches() -> Next {
    Next::Be(Standing::Others)
}

#[test]
fn a_free_server_is_taken_and_kept_and_one_that_was_given_back_after_a_while() {
    let (mut claim, start) = (claim(), Instant::now());
    assert_eq!(says(&mut claim, start, 0, &Claimed::default()), Next::Take);
    let token = Token::new("desktop", [1; 8]);
    let ours = claimed(token.as_str(), us(), "1");
    assert_eq!(claim.says(ours.clone(), Some(token), start, true), Next::Keep);
    assert!(claim.token().is_some() && claim.owner().is_none());
    assert_eq!(says(&mut claim, start, 99, &ours), Next::Keep);
    // Lost: watched from then on, and not taken back.
    let laptop = claimed("laptop.1", owner("laptop", "nas", "there", 1), "7");
    assert_eq!(says(&mut claim, start, 100, &laptop), watches());
    assert_eq!(claim.owner().map(|owner| owner.instance).as_deref(), Some("laptop"));
    assert_eq!(claim.owner().and_then(|owner| owner.gone), None);
    // Given back: the one that had it may be starting again, and is told as gone at once, and since when nobody saw it, with
    // the time that it may have taken to end.
    assert_eq!(says(&mut claim, start, 110, &Claimed::default()), watches());
    let gone = |claim: &Claim| claim.owner().and_then(|owner| owner.gone);
    assert_eq!(gone(&claim), Some(Millis(13_000)));
    assert_eq!(says(&mut claim, start, 112, &Claimed::default()), watches());
    assert_eq!(gone(&claim), Some(Millis(13_000)), "told once");
    // It is back, and goes again.
    assert_eq!(says(&mut claim, start, 112, &laptop), watches());
    assert_eq!(gone(&claim), None);
    assert_eq!(says(&mut claim, start, 113, &Claimed::default()), watches());
    assert_eq!(says(&mut claim, start, 115, &Claimed::default()), watches());
    assert_eq!(says(&mut claim, start, 116, &Claimed::default()), Next::Take);
    assert_eq!(gone(&claim), Some(Millis(4000)));
    let token = Token::new("desktop", [2; 8]);
    let ours = claimed(token.as_str(), us(), "2");
    assert_eq!(claim.says(ours, Some(token), start, true), Next::Keep);
    assert!(claim.owner().is_none());
}

#[test]
fn a_lease_is_lost_by_our_own_clock_and_any_renewal_begins_it_anew() {
    let (mut claim, start) = (claim(), Instant::now());
    let at = |lease: &str| claimed("laptop.1", owner("laptop", "nas", "there", 1), lease);
    assert_eq!(says(&mut claim, start, 0, &at("1")), watches());
    assert_eq!(says(&mut claim, start, 21, &at("1")), watches());
    assert_eq!(says(&mut claim, start, 40, &at("2")), watches());
    assert_eq!(says(&mut claim, start, 61, &at("2")), watches());
    assert_eq!(says(&mut claim, start, 62, &at("2")), Next::Take);
    assert_eq!(claim.owner().and_then(|owner| owner.gone), Some(Millis(22_000)));
    // Somebody renews it before it is taken.
    assert_eq!(says(&mut claim, start, 63, &at("3")), watches());
    assert_eq!(claim.owner().and_then(|owner| owner.gone), None);
}

#[test]
fn a_dead_process_is_known_on_this_machine_only() {
    let start = Instant::now();
    let dead = |claim: &mut Claim, place: &str, after: u64| {
        let read = claimed("laptop.1", owner("laptop", "nas", place, 1), "1");
        claim.says(read, None, start + Duration::from_secs(after), false)
    };
    assert_eq!(dead(&mut claim(), "here", 0), Next::Take);
    assert_eq!(dead(&mut claim(), "there", 0), watches());
    let mut watching = claim();
    assert_eq!(says(&mut watching, start, 0, &claimed("laptop.1", owner("laptop", "nas", "here", 1), "1")), watches());
    assert_eq!(dead(&mut watching, "here", 1), watches(), "it may be starting again");
    assert_eq!(watching.owner().and_then(|owner| owner.gone), Some(Millis(1000)));
    assert_eq!(dead(&mut watching, "here", 3), watches());
    assert_eq!(dead(&mut watching, "here", 4), Next::Take);
}

#[test]
fn its_own_former_claim_is_taken_at_once_and_by_the_name_that_had_it() {
    let start = Instant::now();
    let former = |host: &str, pid: u32| claimed("desktop.1", owner("desktop", host, "here", pid), "1");
    assert_eq!(says(&mut claim(), start, 0, &former("nas", 9)), Next::Take);
    // Another name of it: while it lives it is the same server, and otherwise that name may come back first.
    assert_eq!(says(&mut claim(), start, 0, &former("box", 1)), Next::Be(Standing::Same));
    let mut waiting = claim();
    let dead = |claim: &mut Claim, after| claim.says(former("box", 9), None, start + Duration::from_secs(after), false);
    assert_eq!(dead(&mut waiting, 0), watches());
    assert_eq!(dead(&mut waiting, 10), Next::Take);
    // That name is configured no more: nobody comes back by it.
    let mut heir = claim();
    assert_eq!(says(&mut heir, start, 0, &former("box", 1)), Next::Be(Standing::Same));
    let another = |mut heir: Claim, gone: &str, read: &Claimed| {
        heir.gone = [HostName::new(gone)].into();
        says(&mut heir, start, 1, read)
    };
    assert_eq!(another(heir.clone(), "box", &Claimed::default()), Next::Take, "it was given back");
    assert_eq!(another(heir.clone(), "box", &former("box", 1)), Next::Take, "it could not be given back");
    assert_eq!(another(heir.clone(), "nas", &Claimed::default()), watches());
    assert_eq!(another(heir, "box", &former("box", 9)), watches(), "another process has that name");
    // Whoever lost it to another life of the same supervisor does not take it back.
    let mut lost = claim();
    lost.standing = Standing::Ours(Token::new("desktop", [2; 8]));
    assert_eq!(says(&mut lost, start, 0, &former("nas", 9)), watches());
}

#[test]
fn what_this_very_process_has_is_not_waited_for() {
    let here = || Owner { started: 7, ..us() };
    let (mut claim, start) = (Claim::new(here(), HashSet::new(), false, Instant::now()), Instant::now());
    let laptop = claimed("laptop.1", owner("laptop", "nas", "here", 2), "1");
    assert_eq!(says(&mut claim, start, 0, &laptop), watches());
    // A look that was on its way took it meanwhile.
    assert_eq!(says(&mut claim, start, 1, &claimed("desktop.9", here(), "1")), Next::Take);
    // An earlier life of it is another process.
    let before = claimed("desktop.8", Owner { started: 3, ..us() }, "1");
    assert_eq!(says(&mut claim, start, 2, &laptop), watches());
    assert_eq!(says(&mut claim, start, 3, &before), watches());
}

#[test]
fn what_was_asked_before_is_left_to_whoever_takes_the_server_over() {
    let start = Instant::now();
    let question = |stage: &str| OpenQuestion {
        pane: PaneId(3),
        pipeline: "ci".to_owned(),
        stage: stage.to_owned(),
        asked: Timestamp(1),
    };
    let lease_with = |stages: &[&str]| {
        let asks = stages.iter().map(|stage| question(stage)).collect();
        Estate { asks, ..Estate::default() }.lease(Timestamp(0))
    };
    let take = |claim: &mut Claim, read: &Claimed, after: u64| {
        assert_eq!(says(claim, start, after, read), Next::Take);
        let token = Token::new("desktop", [2; 8]);
        let ours = claimed(token.as_str(), us(), "9");
        assert_eq!(claim.says(ours, Some(token), start, true), Next::Keep);
        // It stands in our own lease until it is told.
        let kept = Claimed { lease: claim.lease(Timestamp(0)), ..Claimed::default() }.estate().left;
        let left = claim.hand_over().map(|(left, _)| left);
        assert_eq!(left.clone().unwrap_or_default(), kept);
        assert_eq!(claim.hand_over(), None, "once");
        left.map(|left| left.into_iter().map(|owner| (owner.instance, owner.asks)).collect::<Vec<_>>())
    };
    // As it was last seen, also where it was given back since.
    let mut watching = claim();
    let laptop = |lease: &str| claimed("laptop.1", owner("laptop", "nas", "there", 1), lease);
    assert_eq!(says(&mut watching, start, 0, &laptop(&lease_with(&["test", "build"]))), watches());
    assert_eq!(watching.owner().map(|owner| owner.asks.len()), Some(2));
    assert_eq!(says(&mut watching, start, 1, &laptop(&lease_with(&["build"]))), watches());
    assert_eq!(says(&mut watching, start, 2, &Claimed::default()), watches());
    let left = take(&mut watching, &Claimed::default(), 6);
    assert_eq!(left, Some(vec![("laptop".to_owned(), vec![question("build")])]));
    // Found only when it was dead already.
    let dead = claimed("laptop.1", owner("laptop", "nas", "here", 7), &lease_with(&["build"]));
    let mut late = claim();
    assert_eq!(late.says(dead, None, start, false), Next::Take);
    let token = Token::new("desktop", [2; 8]);
    late.says(claimed(token.as_str(), us(), "9"), Some(token), start, true);
    assert_eq!(late.hand_over().map(|(left, _)| left.len()), Some(1));
    // We died before it was told: the next life of ours has it, and so has another one.
    let ours = |name: &str| claimed(&format!("{name}.1"), owner(name, "nas", "here", 7), &late.lease(Timestamp(0)));
    assert_eq!(take(&mut claim(), &ours("desktop"), 0), Some(vec![("laptop".to_owned(), vec![question("build")])]));
    assert_eq!(
        take(&mut claim(), &Claimed { owner: None, token: String::new(), ..ours("x") }, 0).map(|left| left.len()),
        Some(1)
    );
    // What an earlier life of ours asked, we know ourselves.
    let own = claimed("desktop.1", owner("desktop", "nas", "here", 7), &lease_with(&["build"]));
    assert_eq!(take(&mut claim(), &own, 0), None);
    // It ends with its server.
    let mut anew = claim();
    assert_eq!(says(&mut anew, start, 0, &laptop(&lease_with(&["build"]))), watches());
    anew.forget();
    assert_eq!(take(&mut anew, &Claimed::default(), 1), None);
    // Nothing was open.
    let mut quiet = claim();
    assert_eq!(says(&mut quiet, start, 0, &laptop("7")), watches());
    assert_eq!(take(&mut quiet, &laptop("7"), 30), None);
}

#[test]
fn who_ends_in_order_leaves_what_it_asked_to_those_who_watch() {
    let question =
        || OpenQuestion { pane: PaneId(3), pipeline: "ci".to_owned(), stage: "build".to_owned(), asked: Timestamp(1) };
    let mut ending = claim();
    assert_eq!(ending.bequest(Timestamp(0)), None, "nothing is open");
    ending.estate.asks = vec![question()];
    let lease = ending.bequest(Timestamp(0)).unwrap();
    let given_back = Claimed { lease, ..Claimed::default() };
    // Whoever watched and has seen it, whoever has not, and its own next life, which knows it.
    let heirs = |mut claim: Claim| {
        claim.inherit(&given_back);
        claim.estate.left.iter().map(|owner| (owner.instance.clone(), owner.asks.clone())).collect::<Vec<_>>()
    };
    let left = [("desktop".to_owned(), vec![question()])];
    let other = || Claim { us: owner("laptop", "nas", "here", 9), ..claim() };
    let known = Owner { asks: vec![question()], ..us() };
    assert_eq!(heirs(other()), left);
    assert_eq!(heirs(Claim { known, ..other() }), left);
    assert_eq!(heirs(claim()), []);
}

/// Laptop, desktop, and the laptop once more.
#[test]
fn who_comes_back_after_another_one_learns_of_it_until_that_is_written_down() {
    let start = Instant::now();
    let laptop = || Claim { us: owner("laptop", "nas", "here", 9), ..claim() };
    let takes = |claim: &mut Claim, read: &Claimed| {
        let next = claim.says(read.clone(), None, start, false);
        let token = Token::new(&claim.us.instance, [7; 8]);
        let ours = claimed(token.as_str(), claim.us.clone(), &claim.lease(Timestamp(0)));
        claim.says(ours.clone(), Some(token), start, true);
        (next, ours, claim.hand_over().and_then(|(_, last)| last).map(|last| last.instance))
    };
    // The desktop gave it back, or died.
    let given_back = Claimed { lease: claim().trace(Timestamp(0)), ..Claimed::default() };
    let died = claimed("desktop.1", us(), "1");
    for read in [&given_back, &died] {
        let mut back = laptop();
        let (next, ours, last) = takes(&mut back, read);
        assert_eq!((next, last.as_deref()), (Next::Take, Some("desktop")));
        assert_eq!(back.hand_over(), None, "once");
        // The next life of who died before it was written down learns it too; whoever comes then met nothing that was done.
        assert_eq!(takes(&mut laptop(), &ours).2.as_deref(), Some("desktop"));
        assert_eq!(takes(&mut claim(), &ours).2, None);
        back.leave_nothing();
        let settled = claimed("laptop.1", back.us.clone(), &back.lease(Timestamp(0)));
        assert_eq!(takes(&mut laptop(), &settled).2, None);
        assert_eq!(takes(&mut claim(), &settled).2.as_deref(), Some("laptop"));
    }
    // Nobody had it meanwhile; or nobody knows.
    assert_eq!(takes(&mut claim(), &given_back).2, None);
    assert_eq!(takes(&mut claim(), &Claimed::default()).2, None);
    // Whoever lost it without noticing learns it as well, and whoever watched knows.
    let mut slept = laptop();
    takes(&mut slept, &Claimed::default());
    assert_eq!(takes(&mut slept, &given_back).2.as_deref(), Some("desktop"));
    let mut watched = laptop();
    assert_eq!(says(&mut watched, start, 0, &claimed("desktop.1", us(), "1")), watches());
    assert_eq!(says(&mut watched, start, 1, &given_back), watches());
    assert_eq!(says(&mut watched, start, 5, &given_back), Next::Take);
    assert_eq!(watched.estate.last, None);
}

#[test]
fn a_watcher_leaves_the_pipes_to_one_beside_it_that_is_there() {
    let start = Instant::now();
    let mut watching = claim();
    assert!(!watching.leaves_pipes());
    let laptop = |place: &str| claimed("laptop.1", owner("laptop", "nas", place, 9), "1");
    says(&mut watching, start, 0, &laptop("here"));
    assert!(watching.leaves_pipes());
    says(&mut watching, start, 1, &Claimed::default());
    assert!(!watching.leaves_pipes(), "nobody reads them now");
    // It may have done nothing for a while before it gave the server back.
    let gone = watching.owner().and_then(|owner| owner.gone).unwrap();
    assert!(gone >= Millis(4000), "{gone:?}");
    let mut apart = claim();
    says(&mut apart, start, 0, &laptop("there"));
    assert!(!apart.leaves_pipes(), "on another machine it has none here");
}

#[test]
fn a_look_that_comes_back_keeps_what_is_asked_meanwhile() {
    let mut claim = claim();
    let found = claim.clone();
    claim.estate.asks = vec![OpenQuestion {
        pane: PaneId(3),
        pipeline: "ci".to_owned(),
        stage: "build".to_owned(),
        asked: Timestamp(1),
    }];
    claim.found(found);
    assert_eq!(claim.estate.asks.len(), 1);
    // What was told while it looked stands there no more; what it found is to be told.
    claim.estate.last = Some(Box::new(owner("laptop", "nas", "here", 9)));
    claim.handed = true;
    let found = claim.clone();
    claim.leave_nothing();
    claim.found(found.clone());
    assert_eq!(claim.estate.last, None);
    claim.found(Claim { handed: false, ..found });
    assert!(claim.estate.last.is_some() && !claim.handed);
}
