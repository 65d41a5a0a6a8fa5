//! What tools print at the end of a run that failed, as they print it, and what of it is shown.

use super::*;

const MOST: usize = 12;

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

fn shown(text: &str) -> Vec<String> {
    let shown = telling(lines(text), MOST);
    assert!(shown.len() <= MOST, "{shown:#?}");
    shown
}

#[track_caller]
fn shows(text: &str, wanted: &[&str]) {
    let shown = shown(text);
    for part in wanted {
        assert!(shown.iter().any(|line| line.contains(part)), "no {part} in {shown:#?}");
    }
    // In the order in which they were printed, and none of them made up.
    let all = lines(text);
    let mut from = 0;
    for line in shown.iter().filter(|line| *line != GAP) {
        let at = all[from..].iter().position(|known| known == line).unwrap_or_else(|| panic!("{line} in {shown:#?}"));
        from += at + 1;
    }
}

/// What `node --test` prints with its `spec` reporter at the end of a failing run, without the blank rows.
const NODE: &str = "\
✖ failing tests:
test at sum.test.js:4:1
✖ adds (1.42ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
  5 !== 4
      at TestContext.<anonymous> (/home/me/app/sum.test.js:5:10)
      at Test.runInAsyncScope (node:async_hooks:214:14)
      at Test.run (node:internal/test_runner/test:1047:25)
      at Test.start (node:internal/test_runner/test:944:17)
      at node:internal/test_runner/test:1440:71
      at internal/process/task_queues.js:95:5
      at async Promise.all (index 0)
      at async startSubtestAfterBootstrap (node:internal/test_runner/harness:296:3) {
      at Object.it (/home/me/app/node_modules/x/index.js:1:1)
    generatedMessage: true,
    code: 'ERR_ASSERTION',
    actual: 5,
    expected: 4,
    operator: 'strictEqual'
  }";

/// The same through `npm test`, whose output is no terminal: TAP, and the passed tests behind the failed one.
const NPM_TEST: &str = "\
> app@1.0.0 test
> node --test
TAP version 13
# Subtest: adds
not ok 1 - adds
  ---
  duration_ms: 2.673913
  location: '/home/me/app/test/sum.test.js:2:1'
  failureType: 'testCodeFailure'
  error: |-
    Expected values to be strictly equal:
    4 !== 5
  code: 'ERR_ASSERTION'
  name: 'AssertionError'
  expected: 5
  actual: 4
  operator: 'strictEqual'
  stack: |-
    TestContext.<anonymous> (/home/me/app/test/sum.test.js:2:25)
    Test.runInAsyncScope (node:async_hooks:206:9)
    Test.run (node:internal/test_runner/test:796:25)
    node:internal/test_runner/harness:255:12
    AsyncResource.runMicrotask (node:internal/process/task_queues:137:8)
  ...
# Subtest: subtracts
ok 2 - subtracts
  ---
  duration_ms: 0.196542
  ...
# Subtest: handles an error: no
ok 3 - handles an error: no
  ---
  duration_ms: 0.222309
  ...
1..3
# tests 3
# suites 0
# pass 2
# fail 1
# cancelled 0
# skipped 0
# todo 0
# duration_ms 276.335231
npm error Lifecycle script `test` failed with error:
npm error code 1
npm error path /home/me/app
npm error workspace app@1.0.0
npm error location /home/me/app
npm error command failed
npm error command sh -c node --test
npm error A complete log of this run can be found in: /home/me/.npm/_logs/2026-03-02T08_00_00_000Z-debug-0.log";

#[test]
fn the_assertion_is_shown_and_not_the_runtime_below_it() {
    let shown = shown(NODE);
    assert_eq!(shown[0], "✖ failing tests:");
    assert_eq!(shown[4], "  5 !== 4");
    assert!(shown[5].contains("sum.test.js:5:10"), "{shown:#?}");
    assert_eq!(shown[6..], ["    actual: 5,", "    expected: 4,"], "no lone bracket, and no field that says nothing");
    let short = "Error: no\n    at node:internal/x:1:1";
    assert_eq!(telling(lines(short), MOST), lines(short), "nothing goes where there is room");
    assert_eq!(telling(lines("at noon\nat last\nat async"), 2), ["at last", "at async"]);
    assert_eq!(ending(lines("Error: a\nb\nc\n  at node:x:1:1"), 2), ["b", "c"]);
}

#[test]
fn a_failed_test_is_shown_above_passed_ones_and_above_what_npm_adds() {
    shows(NPM_TEST, &["not ok 1 - adds", "Expected values to be strictly equal:", "4 !== 5", "actual: 4"]);
    let found = shown(NPM_TEST);
    assert!(!found.iter().any(|line| line.contains("npm error") || line.contains("# tests")), "{found:#?}");
    // With `spec` it stands above the counters; the passed ones behind it are left out.
    let passed: String = (0..30).map(|n| format!("✔ subtracts {n} (0.2ms)\n")).collect();
    let counters = "ℹ tests 31\nℹ suites 0\nℹ pass 30\nℹ fail 1\nℹ duration_ms 457.67";
    let text = format!("{NODE}\n{passed}{counters}");
    shows(&text, &["✖ adds", "AssertionError", "5 !== 4"]);
    assert!(!shown(&text).iter().any(|line| line.contains('✔')));
}

#[test]
fn the_mistake_is_shown_above_jobs_that_still_ran() {
    let job = |name: &str, count: usize| (0..count).map(|n| format!("CC {name}-{n}.o\n")).collect::<String>();
    let failed = "\
src/c.c: In function 'main':
src/c.c:3:10: error: 'x' undeclared (first use in this function)
    3 |   return x;
      |          ^
make: *** [Makefile:5: c] Error 1
make: *** Waiting for unfinished jobs....
";
    let text = format!("{}{failed}{}", job("a", 20), job("b", 30));
    shows(&text, &["In function 'main'", "c.c:3:10: error:", "return x;", "^", "*** [Makefile:5: c]", GAP, "b-29.o"]);
    assert!(!shown(&text).iter().any(|line| line.contains("Waiting for")), "{:#?}", shown(&text));
}

#[test]
fn what_panicked_is_shown_and_where_the_compiler_points() {
    let passed: String = (0..20).map(|n| format!("test tests::no_error_{n} ... ok\n")).collect();
    let text = format!(
        "running 21 tests
test tests::adds ... FAILED
{passed}failures:
---- tests::adds stdout ----
thread 'tests::adds' panicked at src/lib.rs:8:9:
assertion `left == right` failed
  left: 4
 right: 5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
failures:
    tests::adds
test result: FAILED. 20 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
error: test failed, to rerun pass `--lib`"
    );
    shows(&text, &["panicked at src/lib.rs:8:9", "left == right", "left: 4", "right: 5"]);

    let warnings: String = (0..10).map(|n| format!("warning: unused variable: `x{n}`\n  |     ^^^\n")).collect();
    let text = format!(
        "   Compiling app v0.1.0 (/home/me/app)
error[E0425]: cannot find value `y` in this scope
 --> src/main.rs:2:5
  |
2 |     y
  |     ^ not found in this scope
{warnings}For more information about this error, try `rustc --explain E0425`.
error: could not compile `app` (bin \"app\") due to 1 previous error; 10 warnings emitted"
    );
    shows(&text, &["error[E0425]", "src/main.rs:2:5", "could not compile"]);
}

#[test]
fn other_runners_and_compilers_are_known_too() {
    let dots = "tests/test_other.py ................ [ 50%]\n".repeat(20);
    let pytest = format!(
        "{dots}=================================== FAILURES ===================================
___________________________________ test_add ___________________________________
    def test_add():
        values = [1, 2]
>       assert f(sum(values)) == 4
E       assert 3 == 4
E        +  where 3 = f(3)
test_a.py:5: AssertionError
=============================== warnings summary ===============================
{dots}=========================== short test summary info ============================
FAILED test_a.py::test_add - assert 3 == 4
========================= 1 failed, 320 passed in 0.02s =========================="
    );
    shows(
        &pytest,
        &[">       assert f(sum", "E       assert 3 == 4", "where 3 = f(3)", "FAILED test_a.py", "1 failed"],
    );

    let built = "vite building for production...\n".repeat(20);
    let tsc = format!("src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n{built}");
    shows(&tsc, &["error TS2322"]);
    let go = format!("--- FAIL: TestAdd (0.00s)\n    sum_test.go:8: got 4, want 5\n{built}FAIL\nexit status 1");
    shows(&go, &["--- FAIL: TestAdd", "got 4, want 5", "exit status 1"]);
    let thrown = format!("{built}TypeError: x is not a function\n    at f (/home/me/app/a.js:1:1)\n{built}");
    shows(&thrown, &["TypeError", "a.js:1:1"]);
    let npm = format!("npm error code ERESOLVE\nnpm error ERESOLVE could not resolve\n{built}");
    shows(&npm, &["code ERESOLVE", "could not resolve"]);
}

#[test]
fn without_a_cause_the_last_lines_are_shown_as_they_stand() {
    let built: Vec<String> = (0..40).map(|n| format!("step {n}: 0 errors, 0 failed")).collect();
    assert_eq!(telling(built.clone(), MOST), built[28..]);
    let twice = "Error: the first\n".to_owned() + &"still here\n".repeat(30) + "Error: the last";
    shows(&twice, &["the first", GAP, "the last"]);
}

#[test]
fn many_causes_leave_room_for_the_first_and_the_last() {
    let text: String = (0..60).map(|n| format!("a.c:{n}: error: number {n}\n")).collect();
    shows(&text, &["number 0", GAP, "number 59"]);
    assert_eq!(telling(lines(&text), 1).len(), 1);
    assert_eq!(telling(lines(&text), 0), Vec::<String>::new());
}

#[test]
fn where_few_rows_are_left_the_cause_is_what_is_shown() {
    let evidence = lines(NODE);
    for most in 2..=8 {
        let (shown, left_out) = fitting(&evidence, most);
        assert!(shown.len() <= most && left_out > 0, "{most}: {shown:#?}");
        assert!(shown.iter().any(|line| line.contains("failing tests") || line.contains("adds")), "{most}: {shown:#?}");
        let said = shown.iter().filter(|line| *line != GAP).count();
        assert_eq!(said + left_out, evidence.len(), "{most}: {shown:#?}");
    }
    assert_eq!(fitting(&evidence, evidence.len()), (evidence.clone(), 0));
    assert_eq!(fitting(&evidence, 0), (Vec::new(), evidence.len()));
}

/// What Python's `unittest` prints, without the blank rows.
const UNITTEST: &str = "\
F.
======================================================================
FAIL: test_discount (test_cart.Cart.test_discount)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"/home/me/app/test_cart.py\", line 7, in test_discount
    self.assertEqual(total(100, 10), 91)
AssertionError: 90 != 91
----------------------------------------------------------------------
Ran 2 tests in 0.001s
FAILED (failures=1)";

#[test]
fn a_short_list_holds_the_line_that_decided() {
    for (text, wanted) in [(UNITTEST, "AssertionError: 90 != 91"), (NODE, "5 !== 4"), (NPM_TEST, "4 !== 5")] {
        let (shown, _) = fitting(&lines(text), 5);
        assert!(shown.len() <= 5 && shown.iter().any(|line| line.contains(wanted)), "{shown:#?}");
        assert!(!shown.iter().any(|line| line.contains("----") || line.contains("====")), "{shown:#?}");
    }
}

#[test]
fn make_tells_its_error_in_three_rows() {
    let printed = "cc -c a.c\ncc -c b.c\nb.c:3:9: error: expected ';'\n  return 1\ncc -c c.c\ncc -c d.c\ncc -c e.c\n\
                   make: *** Waiting for unfinished jobs....\nlinking f\nlinking g";
    let (shown, left_out) = fitting(&lines(printed), 3);
    assert_eq!(shown, ["b.c:3:9: error: expected ';'", "  return 1", "cc -c c.c"]);
    assert_eq!(left_out, 7);
}

#[test]
fn a_choice_from_what_was_chosen_before_marks_each_place_once() {
    let chosen = ["a", GAP, "error: b", "c", GAP, "d"].map(str::to_owned);
    assert_eq!(fitting(&chosen, 2), (vec!["error: b".to_owned(), "c".to_owned()], 2));
    assert_eq!(shortened(&chosen, 2), [GAP, "error: b", "c", GAP]);
    assert_eq!(shortened(&shortened(&chosen, 2), 1), [GAP, "error: b", GAP]);
    assert_eq!(shortened(&chosen, 0), Vec::<String>::new());
    assert_eq!(shortened(&chosen, 6), chosen);
    assert_eq!(last_that_fit(&chosen, 2), (vec![GAP.to_owned(), "d".to_owned()], 4));
}

/// The `spec` reporter tells each failure where it happens and once more at its end.
#[test]
fn a_message_is_shown_once() {
    let told = NODE.lines().skip(2).collect::<Vec<_>>().join("\n");
    let shown = shown(&format!("{told}\n✔ subtracts (0.3ms)\nℹ tests 2\nℹ pass 1\nℹ fail 1\n{NODE}"));
    for once in ["✖ adds", "AssertionError", "5 !== 4", "actual: 5"] {
        assert_eq!(shown.iter().filter(|line| line.contains(once)).count(), 1, "{once}: {shown:#?}");
    }
    assert!(!shown.iter().any(|line| line.contains("operator") || line.trim() == "}"), "{shown:#?}");
    // Two mistakes of one kind are two.
    let place =
        |n: u32| format!("error[E0308]: mismatched types\n  --> src/main.rs:{n}:5\n   |\n{n} | a\n   |\n   | ^ b");
    let both = telling(lines(&format!("{}\n{}\nend", place(3), place(4))), MOST);
    assert_eq!(both.iter().filter(|line| line.starts_with("error[E0308]")).count(), 2, "{both:#?}");
}

#[test]
fn a_failed_test_is_named_with_what_is_wrong_there() {
    let told = |text: &str| cause_of(&lines(text)).unwrap_or_default();
    let equal = "Expected values to be strictly equal:";
    assert_eq!(told(NODE), format!("✖ adds: AssertionError: {equal} 5 !== 4"));
    assert_eq!(told(NPM_TEST), format!("not ok 1 - adds: {equal} 4 !== 5"));
    assert_eq!(
        told("--- FAIL: TestAdd (0.00s)\n    add_test.go:8: got 3, want 4\nFAIL"),
        "--- FAIL: TestAdd: add_test.go:8: got 3, want 4"
    );
    assert_eq!(told("✖ lint\n✖ build\nbye"), "✖ lint", "what stands below belongs to another one");
    assert_eq!(told("FAILED test_a.py::test_x - assert 1 == 2\n1 failed"), "FAILED test_a.py::test_x - assert 1 == 2");
}

#[test]
fn one_line_tells_the_cause() {
    let printed = lines("lint: 0 problems\n1 failed: adds up\nb.c:3:9: error: expected ';'");
    assert_eq!(cause_of(&printed).as_deref(), Some("b.c:3:9: error: expected ';'"));
    assert_eq!(cause_of(&lines("lint: 0 problems\n1 failed: adds up\nbye")).as_deref(), Some("1 failed: adds up"));
    assert_eq!(cause_of(&lines("12 passed")), None);
}

/// What `cargo test` prints with `RUST_BACKTRACE=1` at the end of a failing run, without the blank rows.
const CARGO: &str = "\
running 3 tests
test tests::same ... FAILED
test tests::zero ... ok
test tests::adds_up ... FAILED
failures:
---- tests::adds_up stdout ----
thread 'tests::adds_up' (4711) panicked at src/lib.rs:5:32:
assertion `left == right` failed: the total of a cart
  left: 3
 right: 7
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:697:5
   1: core::panicking::panic_fmt
             at /rustc/abc/library/core/src/panicking.rs:75:14
   2: core::panicking::assert_failed
             at /home/me/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/panicking.rs:400:5
   3: shop::tests::adds_up
             at ./src/lib.rs:5:32
   4: shop::tests::adds_up::{{closure}}
             at ./src/lib.rs:5:22
   5: core::ops::function::FnOnce::call_once
             at /rustc/abc/library/core/src/ops/function.rs:253:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
failures:
    tests::adds_up
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.04s
error: test failed, to rerun pass `--lib`";

#[test]
fn of_a_panic_the_reason_is_told_and_neither_its_place_alone_nor_the_runtime() {
    shows(CARGO, &["panicked at src/lib.rs:5:32", "failed: the total of a cart", "left: 3", "right: 7"]);
    assert!(!shown(CARGO).iter().any(|line| line.contains("/rustc/") || line.contains("core::")));
    let told = |text: &str| cause_of(&lines(text)).unwrap_or_default();
    let reason = "assertion `left == right` failed: the total of a cart (left: 3, right: 7)";
    assert_eq!(told(CARGO), reason);
    let plain = "thread 'main' (1) panicked at src/main.rs:2:5:\nno such table\nnote: run with `RUST_BACKTRACE=1` …";
    assert_eq!(told(plain), "no such table");
    let old = "thread 'main' panicked at 'no such table', src/main.rs:2:5";
    assert_eq!(told(old), old);
    let bare = "thread 'main' panicked at src/main.rs:2:5:\nstack backtrace:";
    assert_eq!(told(bare), "thread 'main' panicked at src/main.rs:2:5:");
}

#[test]
fn tests_that_passed_are_left_out_where_one_failed() {
    let ran = "✔ adds up (0.9ms)\n✖ discount is applied (1.2ms)\n✔ empty cart is free (0.1ms)\nℹ tests 3";
    assert_eq!(telling(lines(ran), MOST), ["✖ discount is applied (1.2ms)", "ℹ tests 3"]);
    let passed = "✔ adds up (0.9ms)\nℹ tests 1";
    assert_eq!(telling(lines(passed), MOST), lines(passed), "where nothing failed they are what is known");
}
