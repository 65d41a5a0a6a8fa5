// The panel. What comes from panes, policies and people is text, and becomes part of the page as text alone.
"use strict";

// ---- What needs no page: tested by itself.

const VIEWS = ["overview", "approvals", "pipelines", "panes", "history", "report"];

/** The place that an address names: `#/panes/local:3` is the view `panes` and the item `local:3`. */
function place(hash) {
  const [view, item] = hash.replace(/^#\/?/, "").split("/", 2);
  const known = VIEWS.includes(view);
  let name = null;
  try {
    name = known && item ? decodeURIComponent(item) : null;
  } catch {
    // An address that somebody cut in two names nothing.
  }
  return { view: known ? view : "overview", item: name };
}

/** A span of time with its two greatest units at most: `1h05m`. */
function span(ms, words) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0" + words.second;
  const [size, unit] = parts[first];
  const whole = Math.floor(seconds / size) + words[unit];
  const next = parts[first + 1];
  const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
  return rest && size > 60 ? whole + rest + words[next[1]] : whole;
}

/** Why somebody may not decide an approval; `null` where they may. */
function hindrance(approval, me, words) {
  if (approval.state !== "pending") return approval.state_text;
  if (me.role === "view") return words.only_view;
  const mine = approval.approvers.length === 0 || approval.approvers.includes(me.name);
  return mine ? null : words.not_yours + " " + approval.approvers.join(", ");
}

/** What can be tapped: each answer, or a yes, and a no. */
function choices(approval, words) {
  // A no that says nothing is refused.
  const no = approval.takes_plain_no ? [{ verdict: "reject", label: words.reject }] : [];
  if (approval.options.length > 0) {
    const labels = approval.option_texts || approval.options;
    const answers = labels.map((label, option) => ({ verdict: "approve", option, label }));
    return [...answers, ...no];
  }
  return [{ verdict: "approve", label: approval.takes_text ? words.send_answer : words.approve }, ...no];
}

/** What has to be written for a choice: `word`, `answer`, or nothing. */
function writes(approval, choice) {
  if (choice.verdict !== "approve") return null;
  return approval.confirm !== null ? "word" : approval.takes_text ? "answer" : null;
}

/** What is sent for a choice. */
function decision(approval, choice, written, pin) {
  const body = { revision: approval.revision, verdict: choice.verdict };
  if (choice.option !== undefined) body.option = choice.option;
  const field = writes(approval, choice);
  if (field) body[field] = written;
  if (pin) body.pin = pin;
  return body;
}

/** How long to wait before the n-th try: a second at first, half a minute at most. */
function pause(n) {
  return Math.min(30000, 1000 * 2 ** Math.min(n, 5));
}

/** How good a state is. */
function tone(state) {
  if (["succeeded", "done", "live", "approved"].includes(state)) return "good";
  if (["failed", "escalated", "dead", "unreachable", "cancelled", "rejected"].includes(state)) return "bad";
  const waits = ["needs_approval", "asking", "retrying", "expired", "pending", "stale"];
  return waits.includes(state) ? "warn" : "faint";
}

/** Whether a stage can be run again. */
function repeats(run, stage, me) {
  const over = ["succeeded", "failed", "escalated", "skipped", "cancelled", "rejected", "expired"];
  return me.role === "admin" && run.run !== null && over.includes(stage.state);
}

/** How a value that is given at the start is asked for: `check`, `choice`, `number` or `text`. */
function asksBy(input) {
  if (input.choices.length > 0) return [...input.choices].sort().join() === "false,true" ? "check" : "choice";
  return input.number ? "number" : "text";
}

/** What is sent for a start. What is left as it is has its default, which is not always shown whole. */
function beginning(run, stage, written, pin) {
  const body = { pipeline: run.pipeline };
  if (stage) body.stage = stage;
  const changed = run.inputs.filter((input) => input.name in written && written[input.name] !== input.default);
  if (changed.length) body.inputs = Object.fromEntries(changed.map((input) => [input.name, written[input.name]]));
  if (pin) body.pin = pin;
  return body;
}

/** Where a question comes from: what tells it from another one that asks the same. */
function origin(it) {
  return [it.place, [it.pipeline, it.stage].filter(Boolean).join(" / ")].filter(Boolean).join(" · ");
}

/**
 * What becomes of the wish to see an item, where these are drawn from what was asked for at `asked`: whether it is brought
 * on screen; whether the wish is over, since an answer that is younger than it is drawn; and whether there is no such item.
 */
function arrival(sought, items, asked) {
  const shown = items.includes(sought.item);
  const over = asked >= sought.since;
  return { shown, over, missing: over && !shown };
}

/** The questions of one picture that the next one does not ask any more, but for those that were decided here. */
function handled(before, after, mine) {
  const open = new Set(after.map((it) => it.id));
  return before.filter((it) => !open.has(it.id) && !mine.has(it.id));
}

/** Bars of a chart's days: from where, how high, and whether they are of runs that went well. */
function bars(days, high) {
  const most = Math.max(1, ...days.map((day) => day.succeeded + day.other));
  return days.flatMap((day, n) => {
    const [well, other] = [day.succeeded, day.other].map((runs) => Math.round((runs * high) / most));
    return [{ n, top: high - well, height: well, good: true }, { n, top: high - well - other, height: other, good: false }];
  }).filter((bar) => bar.height > 0);
}

if (typeof module !== "undefined") {
  module.exports = { place, span, hindrance, choices, writes, decision, pause, tone, repeats, asksBy, beginning, origin, arrival, handled, bars };
}

// ---- The page.

function panel() {
  const words = JSON.parse(document.body.dataset.words);
  const main = document.getElementById("main");
  const API = "../api/";
  // The page names no address, so it has an element of that namespace.
  const SVG = document.querySelector("#mark").namespaceURI;
  const now = { me: null, overview: null, data: {}, chosen: null, told: {}, lines: {}, screen: null, skew: 0, tries: 0, source: null, lost: false,
    sought: null, last: null, mine: new Set(), busy: new Set(), typing: null, days: 7, fetched: {} };

  /** An element; strings become text. */
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  /** A time that grows while it is looked at. */
  function since(at) {
    return at === null ? null : el("time", { "data-at": String(at) }, sinceText(at));
  }

  function sinceText(at) {
    const passed = Date.now() + now.skew - at;
    return passed < 0 ? words.within + " " + span(-passed, words) : span(passed, words);
  }

  async function ask(path, body) {
    const wish = body === undefined ? {} : {
      method: "POST",
      // It may arrive although the page is closed meanwhile.
      keepalive: true,
      headers: { "Content-Type": "application/json", "X-CSRF-Token": now.me.csrf },
      body: JSON.stringify(body),
    };
    const answer = await fetch(API + path, wish);
    const told = await answer.json();
    return { status: answer.status, told };
  }

  let fading = null;
  function say(text, bad) {
    const line = document.getElementById("state");
    clearTimeout(fading);
    // What was said of a wish is old news soon; that there is no connection stays true.
    if (text && !now.lost) fading = setTimeout(() => say("", false), 10000);
    line.textContent = text;
    line.className = bad ? "bad" : "";
  }

  // Begin, and begin again after a sleep.

  async function begin() {
    stop();
    try {
      const { status, told } = await ask("session");
      if (status === 401) return signedOut();
      if (status !== 200) throw new Error(told.text);
      now.me = told;
      now.tries = 0;
      if (main.querySelector(":scope > .alone")) main.replaceChildren();
      foot();
      await show();
      listen();
    } catch {
      again();
    }
  }

  function signedOut() {
    stop();
    now.me = null;
    say(words.signed_out, true);
    document.getElementById("nav").replaceChildren();
    document.getElementById("footer").replaceChildren();
    main.replaceChildren(el("p", { class: "card alone" }, words.sign_in));
  }

  let waiting = null;
  function again() {
    stop();
    lost();
    waiting = setTimeout(begin, pause(now.tries++));
  }

  function lost() {
    now.lost = true;
    say(words.offline, true);
    if (!now.me) main.replaceChildren(el("p", { class: "card alone" }, words.offline));
  }

  function stop() {
    clearTimeout(waiting);
    waiting = null;
    if (now.source) now.source.close();
    now.source = null;
  }

  function listen() {
    stop();
    const { view, item } = place(location.hash);
    const pane = view === "panes" && item ? "?pane=" + encodeURIComponent(item) : "";
    now.source = new EventSource("../events" + pane);
    now.source.addEventListener("overview", (event) => {
      now.tries = 0;
      take(JSON.parse(event.data));
      refresh();
    });
    now.source.addEventListener("tail", (event) => {
      now.screen = JSON.parse(event.data);
      if (!held) drawScreen();
    });
    now.source.onopen = () => {
      clearTimeout(waiting);
      waiting = null;
      if (now.lost) say("", false);
      now.lost = false;
    };
    // The browser comes again by itself where the stream just ended; where it gave up, who we are is asked anew.
    now.source.onerror = () => {
      if (now.source && now.source.readyState === EventSource.CLOSED) again();
      else waiting = waiting || setTimeout(lost, 3000);
    };
  }

  function take(overview) {
    const gone = now.overview ? handled(now.overview.needs_you, overview.needs_you, now.mine) : [];
    if (gone.length) say(words.elsewhere + ": " + gone[0].question, false);
    now.overview = overview;
    now.skew = overview.at - Date.now();
    drawNav();
    if (place(location.hash).view === "overview") draw();
  }

  // What a view shows is fetched when something changed, one request at a time.
  let fetching = false;
  let wanted = false;
  async function refresh() {
    if (fetching) {
      wanted = true;
      return;
    }
    fetching = true;
    try {
      do {
        wanted = false;
        await show();
      } while (wanted);
    } catch {
      again();
    } finally {
      fetching = false;
    }
  }

  /** How long what was fetched for a view is good enough, milliseconds. */
  const FRESH = { history: 5000, report: 60000 };

  async function show() {
    const { view } = place(location.hash);
    const path = view === "report" ? "report?days=" + now.days : view;
    const last = now.fetched[path];
    if (now.data[view] && last && Date.now() - last < (FRESH[view] || 0)) return;
    const asked = Date.now();
    const { status, told } = await ask(path);
    now.fetched[path] = asked;
    if (status === 401) return signedOut();
    if (status !== 200) throw new Error(told.text);
    if (view === "overview") return take(told);
    now.data[view] = told;
    draw();
  }

  // Drawing. A card that says the same stays as it is, with what is being written in it.

  function fill(container, items, key, make) {
    const before = new Map(Array.from(container.children, (node) => [node.dataset.key, node]));
    const nodes = items.map((item) => {
      const name = String(key(item));
      const sign = JSON.stringify([item, now.chosen && now.chosen.key === name ? now.chosen : null, now.told[name], now.lines[name]]);
      const old = before.get(name);
      // What is being filled in is not drawn anew, whatever the pane says meanwhile.
      const filled = old && begins(name) && old.querySelector("form.start");
      if (old && (filled || old.dataset.sign === sign)) return old;
      const fresh = make(item, name);
      const node = old || fresh;
      if (old) {
        // The card itself stays, so that a tap that has begun on it ends on it.
        const inside = old !== document.activeElement && old.contains(document.activeElement);
        old.replaceChildren(...fresh.childNodes);
        if (inside) (old.querySelector("input, button.yes, button") || old).focus();
      }
      node.dataset.key = name;
      node.dataset.sign = sign;
      return node;
    });
    // Moving a node would take its focus: what stays is not touched.
    const kept = new Set(nodes);
    for (const node of Array.from(container.children)) if (!kept.has(node)) node.remove();
    nodes.forEach((node, n) => {
      if (container.children[n] !== node) container.insertBefore(node, container.children[n] || null);
    });
  }

  function section(id, title, items, key, make, empty) {
    let part = document.getElementById(id);
    if (!part) {
      part = el("section", { id }, el("h1", {}, title), el("div", { class: "cards" }), el("p", { class: "faint" }, empty));
      main.append(part);
    }
    part.querySelector(":scope > p").hidden = items.length > 0;
    fill(part.querySelector(".cards"), items, key, make);
    return part;
  }

  function drawNav() {
    const { view } = place(location.hash);
    const counts = now.overview ? now.overview.counts : {};
    const link = (name, count) => el("a", { href: "#/" + name, "aria-current": view === name ? "page" : null },
      words[name], count ? el("span", { class: "count" }, String(count)) : null);
    document.getElementById("nav").replaceChildren(
      ...VIEWS.map((name) => link(name, name === "approvals" ? counts.approvals : 0)));
    document.title = (counts.approvals ? "(" + counts.approvals + ") " : "") + "tmuxagent";
  }

  // What a finger lies on stays as it is until it is lifted.
  let held = false;
  let owed = false;
  window.addEventListener("pointerdown", () => { held = true; });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, () => setTimeout(() => {
      held = false;
      if (owed) draw();
    }, 100));
  }

  let drawn = "";
  function draw(ours) {
    if (!now.me) return;
    owed = held && !ours;
    if (owed) return;
    const { view, item } = place(location.hash);
    if (drawn !== view + "/" + item) main.replaceChildren();
    drawn = view + "/" + item;
    if (view === "overview" && now.overview) drawOverview(now.overview);
    if (view === "approvals" && now.data.approvals) drawApprovals(now.data.approvals.approvals, item);
    if (view === "pipelines" && now.data.pipelines) drawPipelines(now.data.pipelines.pipelines);
    if (view === "panes" && now.data.panes) item ? drawScreen() : drawPanes(now.data.panes.panes);
    if (view === "history" && now.data.history) drawHistory(now.data.history.runs);
    if (view === "report" && now.data.report) drawReport(now.data.report);
  }

  function drawOverview(all) {
    section("needs", words.needs_you, all.needs_you, (it) => it.id, (it) =>
      el("a", { class: "card", href: "#/approvals/" + encodeURIComponent(it.id) },
        el("p", { class: "origin" }, origin(it)), el("h2", {}, it.question), el("p", { class: "faint" }, since(it.asked_at))),
    words.nothing_needed);
    const run = (it) => el("a", { class: "card", href: "#/pipelines" },
      el("h2", {}, it.pipeline + (it.stage ? " / " + it.stage : "")),
      el("p", { class: "faint" }, [it.stage_state_text, it.place].filter(Boolean).join(" · ")),
      it.detail ? el("p", {}, it.detail) : null,
      el("p", { class: "faint" }, since(it.ended_at === null ? it.started_at : it.ended_at)));
    section("running", words.running, all.running, (it) => it.run, run, words.nothing_runs);
    section("failed", words.failed, all.failed, (it) => it.run, run, words.nothing_failed);
    const frozen = all.frozen ? [{ part: words.frozen, text: all.frozen.by, since: all.frozen.since }] : [];
    const hosts = all.hosts.filter((host) => host.state !== "live");
    const far = hosts.map((host) => ({ part: host.name + ": " + host.state_text, text: host.detail, since: null }));
    section("problems", words.problems, [...frozen, ...all.problems, ...far], (it) => it.part, (it) =>
      el("div", { class: "card", tabindex: "0" }, el("h2", { class: "bad" }, it.part), el("p", {}, it.text),
        it.since ? el("p", { class: "faint" }, since(it.since)) : null), words.no_problems);
  }

  function drawApprovals(all, item) {
    const seeks = now.sought !== null && now.sought.item === item;
    const told = seeks ? arrival(now.sought, all.map((it) => it.id), now.fetched.approvals || 0) : null;
    // Until the one that was tapped comes no others are shown in its stead.
    if (told && !told.shown && !told.over) return main.replaceChildren();
    const open = all.filter((it) => it.state === "pending");
    section("open", words.open, open, (it) => it.id, approvalCard, words.nothing_needed).querySelector(".cards").classList.add("wide");
    section("closed", words.decided, all.filter((it) => it.state !== "pending"), (it) => it.id, (it) =>
      el("article", { class: "card", tabindex: "0" }, el("p", { class: "origin" }, origin(it)), el("h2", {}, it.question),
        el("p", { class: tone(it.state) }, it.state_text,
          it.decision ? " · " + it.decision.who + " · " + it.decision.via_text : ""),
        el("p", { class: "faint" }, since(it.closed_at)), takeBack(it, it.id),
        now.told[it.id] ? el("p", { class: "bad", role: "alert" }, now.told[it.id]) : null), words.nothing_decided);
    for (const card of main.querySelectorAll(".card")) {
      if (card.dataset.key === item) card.setAttribute("aria-current", "true");
      else card.removeAttribute("aria-current");
    }
    if (told) bring(told);
  }

  // Who taps a question decides the one that is on screen then. So that is the one that was tapped, also where the answer comes
  // later than the page or puts others before it; one that is not there any more is said to be gone, lest another is taken for it.

  /** The question that the address names is to be brought on screen. */
  function seek() {
    const { view, item } = place(location.hash);
    now.sought = view === "approvals" && item ? { item, since: Date.now(), shown: false } : null;
  }

  function bring({ shown, over, missing }) {
    if (shown) {
      const card = main.querySelector(".card[aria-current]");
      card.scrollIntoView({ block: "start" });
      if (!card.contains(document.activeElement)) card.focus({ preventScroll: true });
      now.sought.shown = true;
    }
    if (missing) say(words.missing, true);
    if (over) now.sought = null;
  }

  for (const deed of ["pointerdown", "wheel", "keydown"]) {
    // Who has seen it and goes on is not led back to it.
    window.addEventListener(deed, () => { if (now.sought && now.sought.shown) now.sought = null; });
  }

  function approvalCard(it, key) {
    const fact = (label, value) => (value ? el("p", { class: "faint" }, label + ": " + value) : null);
    const card = el("article", { class: "card", tabindex: "0" },
      el("p", { class: "origin" }, origin(it)), el("h2", {}, it.question),
      el("p", { class: "faint" }, it.reason_text, " · ", since(it.asked_at)),
      fact(words.folder, it.folder),
      it.expires_at === null ? null : el("p", { class: "faint" }, words.until + ": ", since(it.expires_at)),
      el("p", { class: "faint", title: words.code }, words.code_is + " ", el("span", { class: "code" }, it.code)),
      it.takes_text ? el("p", {}, words.takes_text) : el("p", { class: "faint" }, it.types ? words.types : words.types_nothing),
      it.types && !it.takes_text ? el("pre", {}, it.types) : null,
      it.types_no ? el("p", { class: "faint" }, words.types_no) : null,
      it.types_no ? el("pre", {}, it.types_no) : null,
      it.evidence.length ? el("p", { class: "faint" }, words.evidence) : null,
      it.evidence.length ? el("pre", {}, it.evidence.join("\n")) : null);
    if (now.told[key]) card.append(el("p", { class: "bad", role: "alert" }, now.told[key]));
    const reason = hindrance(it, now.me, words);
    if (reason) card.append(el("p", { class: "warn" }, reason));
    else card.append(decide(it, key));
    return card;
  }

  /** A yes that the server still takes back. */
  function takeBack(it, key) {
    const left = it.undo_until === null || it.undo_until === undefined ? 0 : it.undo_until - Date.now() - now.skew;
    if (left <= 0 || now.me.role === "view") return null;
    setTimeout(refresh, left + 200);
    const pin = pinField();
    return el("form", { class: "buttons", onsubmit: (event) => {
      event.preventDefault();
      act(key, "approvals/" + encodeURIComponent(it.id), decision(it, { verdict: "reject" }, "", pin ? pin.value : ""));
    } }, pin ? el("label", {}, "PIN", pin) : null, el("button", { type: "submit", class: "no retract" }, words.take_back));
  }

  /**
   * The first tap chooses, the second one decides, and is sent at once: what this page kept would be lost with it. Whether it can
   * be taken back is the server's affair.
   */
  function decide(it, key) {
    const chosen = now.chosen && now.chosen.key === key ? now.chosen : null;
    if (!chosen) {
      const buttons = choices(it, words).map((choice) =>
        el("button", { type: "button", class: choice.verdict === "approve" ? "choice" : "choice reject", onclick: () => choose(key, choice) }, choice.label));
      return el("div", { class: "buttons" }, ...buttons);
    }
    const field = writes(it, chosen.choice);
    const written = field ? el("input", { type: "text", maxlength: "1000", autocomplete: "off", autocapitalize: "off" }) : null;
    const label = field === "word" ? words.word + " " + it.confirm : words.your_answer;
    const pin = pinField();
    const body = () => decision(it, chosen.choice, written ? written.value : "", pin ? pin.value : "");
    return confirm(key, chosen.choice.label, chosen.choice.verdict === "approve" ? "yes" : "no",
      [written ? el("label", {}, label, written) : null, pin ? el("label", {}, "PIN", pin) : null],
      () => {
        now.last = key;
        now.mine.add(key);
        act(key, "approvals/" + encodeURIComponent(it.id), body());
      });
  }

  function pinField() {
    return now.me.pin ? el("input", { type: "password", inputmode: "numeric", maxlength: "64", autocomplete: "off", required: true }) : null;
  }

  function confirm(key, label, kind, fields, done) {
    const send = el("button", { type: "submit", class: kind }, words.confirm + ": " + label);
    const back = el("button", { type: "button", onclick: () => choose(key, null) }, words.back);
    return el("form", { class: "buttons", onsubmit: (event) => {
      event.preventDefault();
      send.disabled = true;
      done();
    } }, ...fields, send, back);
  }

  function choose(key, choice) {
    now.chosen = choice ? { key, choice } : null;
    delete now.told[key];
    draw(true);
    const card = Array.from(main.querySelectorAll("[data-key]")).find((node) => node.dataset.key === key);
    const first = card && card.querySelector(choice ? "form input, form select, form button" : "button");
    if (first) first.focus();
  }

  async function act(key, path, body) {
    // What is on its way is not sent twice.
    if (now.busy.has(key)) return;
    now.busy.add(key);
    say(words.sending, false);
    try {
      const { status, told } = await ask(path, body);
      const done = told.outcome === "done";
      now.told[key] = done ? undefined : told.text;
      if (!done) now.mine.delete(key);
      if (status === 401) return signedOut();
      say(told.text, !done);
    } catch {
      // Whether it was done is not known: what is shown next tells it.
      now.told[key] = words.uncertain;
      say(words.uncertain, true);
    } finally {
      now.busy.delete(key);
    }
    // What is chosen on another card meanwhile stays chosen.
    if (now.chosen && now.chosen.key === key) now.chosen = null;
    draw();
    refresh();
  }

  function drawPipelines(all) {
    section("pipelines", words.pipelines, all, (it) => it.pipeline + "@" + it.pane, (it, key) =>
      el("article", { class: "card", tabindex: "0" },
        el("h2", {}, it.pipeline + (it.run === null ? "" : " #" + it.run)),
        el("p", { class: tone(it.state) }, [it.state_text, it.took_text].filter(Boolean).join(" · ")),
        el("p", { class: "faint" }, el("a", { href: "#/panes/" + encodeURIComponent(it.pane) }, it.place)),
        el("ul", { class: "stages" }, ...it.stages.map((stage) => stageRow(it, stage, key))),
        now.lines[key] ? el("pre", {}, now.lines[key]) : it.last_line ? el("pre", {}, it.last_line) : null,
        begins(key) ? null : el("button", { type: "button", class: "small", onclick: () => lastLines(key, it.pane) }, words.lines),
        now.told[key] ? el("p", { class: "bad", role: "alert" }, now.told[key]) : null, starting(it, key)), words.no_pipelines);
  }

  /** Whether a start is being filled in on a card. */
  function begins(key) {
    return now.chosen !== null && now.chosen.key === key && now.chosen.choice.start === true;
  }

  /** A start by hand: the button, or what the pipeline asks for. An open run has been given it. */
  function starting(it, key) {
    if (now.me.role !== "admin") return null;
    if (!begins(key)) {
      return el("button", { type: "button", class: "small start", onclick: () => choose(key, { start: true }) }, words.start);
    }
    const inputs = it.state === "open" ? [] : it.inputs;
    const fields = inputs.map((input) => ({ input, node: inputField(input) }));
    const stage = el("select", {}, el("option", { value: "" }, words.start_first),
      ...it.stages.map((one) => el("option", { value: one.name }, one.name)));
    const pin = pinField();
    const alert = el("p", { class: "bad", role: "alert" });
    const send = el("button", { type: "submit", class: "yes" }, words.confirm + ": " + words.start);
    const labelled = ({ input, node }) => asksBy(input) === "check"
      ? el("label", { class: "check" }, node, input.name) : el("label", {}, input.name, node);
    return el("form", { class: "buttons start", onsubmit: async (event) => {
      event.preventDefault();
      if (send.disabled) return;
      send.disabled = true;
      alert.textContent = "";
      const written = Object.fromEntries(fields.map(({ input, node }) =>
        [input.name, node.type === "checkbox" ? String(node.checked) : node.value]));
      try {
        const path = "panes/" + encodeURIComponent(it.pane) + "/start";
        const { status, told } = await ask(path, beginning(it, stage.value, written, pin ? pin.value : ""));
        if (status === 401) return signedOut();
        say(told.text, told.outcome !== "done");
        if (told.outcome === "done") {
          choose(key, null);
          refresh();
        } else alert.textContent = told.text;
      } catch {
        alert.textContent = words.uncertain;
        say(words.uncertain, true);
      }
      send.disabled = false;
    } }, ...fields.map(labelled), el("label", {}, words.start_at, stage), pin ? el("label", {}, "PIN", pin) : null, alert, send,
    el("button", { type: "button", onclick: () => choose(key, null) }, words.back));
  }

  /** What a value is written or chosen in. */
  function inputField(input) {
    const kind = asksBy(input);
    if (kind === "check") {
      const box = el("input", { type: "checkbox" });
      box.checked = input.default === "true";
      return box;
    }
    if (kind === "choice") {
      const first = input.default === null ? [el("option", { value: "" }, words.choose)] : [];
      const list = el("select", { required: input.default === null }, ...first,
        ...input.choices.map((choice) => el("option", { value: choice }, choice)));
      list.value = input.default === null ? "" : input.default;
      return list;
    }
    // A version is a number too, so the field takes any text and the server tells what is none.
    const field = el("input", { type: "text", inputmode: kind === "number" ? "decimal" : null, maxlength: "1000", autocomplete: "off",
      autocapitalize: "off", spellcheck: "false", required: input.default === null });
    field.value = input.default === null ? "" : input.default;
    return field;
  }

  /** The last dozen rows of a pane, as they are now. */
  async function lastLines(key, pane) {
    try {
      const { status, told } = await ask("panes/" + encodeURIComponent(pane) + "/tail");
      now.lines[key] = status === 200 ? told.rows.slice(-12).join("\n") : told.text;
    } catch {
      now.lines[key] = words.offline;
    }
    draw();
  }

  function stageRow(run, stage, key) {
    const attempt = stage.max_attempts > 1 && stage.attempt > 0 ? " " + stage.attempt + "/" + stage.max_attempts : "";
    const round = stage.rounds ? " · " + words.round + " " + stage.round + "/" + stage.rounds : "";
    const end = stage.ended_at === null ? Date.now() + now.skew : stage.ended_at;
    const took = stage.started_at === null ? null : span(end - stage.started_at, words);
    const row = el("li", {},
      el("div", { class: "row" }, el("span", {}, stage.name),
        el("span", { class: tone(stage.asks ? "asking" : stage.state) }, stage.state_text + attempt + round)),
      el("div", { class: "faint" }, [took, stage.detail].filter(Boolean).join(" · ")));
    if (!repeats(run, stage, now.me)) return row;
    const chosen = now.chosen && now.chosen.key === key && now.chosen.choice.stage === stage.name;
    if (!chosen) {
      const choice = { stage: stage.name };
      row.append(el("button", { type: "button", class: "small", onclick: () => choose(key, choice) }, words.again));
      return row;
    }
    const pin = pinField();
    const path = "stages/" + run.run + "/" + encodeURIComponent(stage.name) + "/retry";
    row.append(confirm(key, words.again, "yes", [pin ? el("label", {}, "PIN", pin) : null],
      () => act(key, path, pin && pin.value ? { pin: pin.value } : {})));
    return row;
  }

  function drawPanes(all) {
    section("panes", words.panes, all, (it) => it.id, (it) =>
      el("a", { class: "card", href: "#/panes/" + encodeURIComponent(it.id) },
        el("h2", {}, it.place),
        el("p", { class: tone(it.state) }, it.state_text, it.agent ? " · " + it.agent.name + ": " + it.agent.state_text : ""),
        el("p", { class: "faint" }, it.program, it.last_output === null ? "" : " · ", since(it.last_output)),
        it.last_line ? el("pre", {}, it.last_line) : null), words.no_panes);
  }

  function drawScreen() {
    const { view, item } = place(location.hash);
    if (view !== "panes" || !item) return;
    let screen = main.querySelector("pre.screen");
    if (!screen) {
      const pane = now.data.panes && now.data.panes.panes.find((it) => it.id === item);
      screen = el("pre", { class: "screen", tabindex: "0" });
      main.replaceChildren(el("p", {}, el("a", { href: "#/panes" }, "← " + words.panes)), el("h1", {}, pane ? pane.place : item), screen,
        el("div", { id: "typing" }));
      drawTyping();
    }
    const told = now.screen && now.screen.id === item.replace("%", "") ? now.screen : null;
    const sign = told ? JSON.stringify(told.styled) : "";
    if (screen.dataset.sign === sign && screen.firstChild) return;
    const below = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 40;
    screen.dataset.sign = sign;
    screen.replaceChildren(...(told ? told.styled.flatMap((row, n) => [n ? "\n" : "", ...row.map(piece)]) : [words.waits]));
    if (below) screen.scrollTop = screen.scrollHeight;
  }

  /** A piece of a row, with words of ours for how it looks. */
  function piece(it) {
    return it.style ? el("span", { class: it.style }, it.text) : it.text;
  }

  // What is typed into a pane by hand: written, shown as it will be typed, then sent.

  function drawTyping() {
    const area = document.getElementById("typing");
    if (!area || now.me.role !== "admin") return;
    const keys = ["Enter", "Escape", "Up", "Down", "Tab", "C-c"];
    if (!now.typing) {
      const text = el("input", { type: "text", maxlength: "4000", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
      const ready = (wish) => {
        now.typing = wish;
        drawTyping();
        area.querySelector("button.yes").focus();
      };
      area.replaceChildren(
        el("form", { class: "buttons", onsubmit: (event) => {
          event.preventDefault();
          if (text.value) ready({ text: text.value });
        } }, el("label", {}, words.type_here, text), el("button", { type: "submit" }, words.type_then)),
        el("div", { class: "buttons spans" }, ...keys.map((key) =>
          el("button", { type: "button", class: "small", onclick: () => ready({ keys: [key] }) }, key))));
      return;
    }
    const wish = now.typing;
    const pin = pinField();
    const leave = (text, bad) => {
      now.typing = null;
      if (text) say(text, bad);
      drawTyping();
    };
    const path = "panes/" + encodeURIComponent(place(location.hash).item) + "/send";
    area.replaceChildren(el("form", { class: "buttons", onsubmit: async (event) => {
      event.preventDefault();
      event.submitter && (event.submitter.disabled = true);
      try {
        const { status, told } = await ask(path, pin && pin.value ? { ...wish, pin: pin.value } : wish);
        if (status === 401) return signedOut();
        leave(told.text, told.outcome !== "done");
      } catch {
        leave(words.uncertain, true);
      }
    } }, el("p", { class: "warn" }, wish.text ? words.types_then : words.key_pressed), el("pre", {}, wish.text || wish.keys[0]),
    pin ? el("label", {}, "PIN", pin) : null, el("button", { type: "submit", class: "yes" }, words.confirm),
    el("button", { type: "button", onclick: () => leave("", false) }, words.back)));
  }

  function drawHistory(all) {
    section("history", words.history, all, (it) => it.run, (it) =>
      el("article", { class: "card", tabindex: "0" },
        el("h2", {}, it.pipeline + " #" + it.run),
        el("p", { class: tone(it.state) }, [it.state_text, it.took_text].filter(Boolean).join(" · ")),
        el("p", { class: "faint" }, it.place, " · ", since(it.ended_at === null ? it.started_at : it.ended_at)),
        el("ul", { class: "stages" }, ...it.stages.map((stage) => el("li", {}, el("div", { class: "row" }, el("span", {}, stage.name),
          el("span", { class: tone(stage.state) }, stage.state_text + (stage.attempt > 1 ? " ×" + stage.attempt : ""))))))),
    words.no_history);
  }

  function drawReport(all) {
    const sign = JSON.stringify([all.days, all.parts, all.charts, now.days]);
    if (main.dataset.report === sign && main.querySelector(".spans")) return;
    main.dataset.report = sign;
    const days = [1, 7, 30].map((n) => el("button", { type: "button", class: "small", "aria-pressed": String(n === now.days), onclick: () => {
      now.days = n;
      refresh();
    } }, n + words.day));
    const cells = (tag, row) => row.map((cell) => el(tag, {}, cell));
    const parts = all.parts.map((part) => el("section", { class: "part" }, el("h1", {}, part.title),
      part.counts.length ? el("p", {}, part.counts.join(" · ")) : null,
      part.rows.length ? el("div", { class: "wideTable" }, el("table", {}, el("thead", {}, el("tr", {}, ...cells("th", part.heading))),
        el("tbody", {}, ...part.rows.map((row) => el("tr", {}, ...cells("td", row)))))) : null));
    main.replaceChildren(el("div", { class: "spans" }, ...days), el("p", { class: "faint" }, all.stretch),
      ...(parts.length ? parts : [el("p", {}, words.no_report)]), ...all.charts.map(chart));
  }

  /** Runs by day: those that went well below the others. */
  function chart(it) {
    const [wide, high] = [28, 80];
    const svg = (tag, attributes, ...children) => {
      const node = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
      node.append(...children);
      return node;
    };
    const drawn = bars(it.days, high).map((bar) => {
      const day = it.days[bar.n];
      const told = [day.date + ": " + day.succeeded + "/" + (day.succeeded + day.other), day.took_text].filter(Boolean).join(", ");
      return svg("rect", { class: bar.good ? "bar-good" : "bar-bad", x: bar.n * wide + 3, y: bar.top, width: wide - 6, height: bar.height },
        svg("title", {}, told));
    });
    const labels = it.days.map((day, n) => svg("text", { x: n * wide + wide / 2, y: high + 14, "text-anchor": "middle" }, day.date.slice(8)));
    const width = wide * it.days.length;
    return el("figure", {}, el("figcaption", {}, it.pipeline),
      svg("svg", { class: "chart", viewBox: "0 0 " + width + " " + (high + 20), width, role: "img" }, ...drawn, ...labels));
  }

  // Messages to this browser while no page is open.

  const worker = navigator.serviceWorker;
  if (worker) worker.register("worker.js").catch(() => null);

  async function notifyButton() {
    if (!worker || !("PushManager" in window) || now.me.role === "view") return null;
    const registration = await worker.ready;
    const had = await registration.pushManager.getSubscription();
    return el("button", { type: "button", class: "small", onclick: async () => {
      try {
        if (had) {
          await had.unsubscribe();
          say((await ask("push/end", { endpoint: had.endpoint })).told.text, false);
        } else {
          const { told } = await ask("push");
          const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: told.key });
          const answer = await ask("push", made.toJSON());
          say(answer.told.text, answer.status !== 200);
        }
      } catch {
        say(words.notify_no, true);
      }
      foot();
    } }, had ? words.notify_end : words.notify);
  }

  function foot() {
    const out = el("button", { type: "button", class: "small", onclick: async () => {
      await ask("session/end", {}).catch(() => null);
      signedOut();
    } }, words.sign_out);
    const footer = document.getElementById("footer");
    const here = now.me;
    footer.replaceChildren(here.name + " · " + (words[here.role] || here.role), out, words.keys);
    notifyButton().then((button) => {
      if (button && now.me === here) out.after(button);
    }).catch(() => null);
  }

  // Keys: 1–6 views, j and k from card to card, a and x on an approval, u takes back a yes, s starts a pipeline, Escape back.
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) return;
    const cards = Array.from(main.querySelectorAll(".card"));
    const at = cards.findIndex((card) => card.contains(document.activeElement));
    const here = at < 0 ? null : cards[at];
    const press = (button) => button && button.click();
    const retract = (card) => card && card.querySelector("button.retract");
    switch (event.key) {
      case "1": case "2": case "3": case "4": case "5": case "6": location.hash = "#/" + VIEWS[Number(event.key) - 1]; break;
      case "j": case "k": {
        const next = cards[event.key === "j" ? at + 1 : Math.max(0, at - 1)];
        if (next) next.focus();
        break;
      }
      case "a": press(here && here.querySelector("button.choice:not(.reject)")); break;
      case "x": press(here && here.querySelector("button.reject")); break;
      // Of the card at hand, or else of what was decided here last.
      case "u": press(retract(here) || retract(cards.find((card) => card.dataset.key === now.last))); break;
      case "s": press(here && here.querySelector("button.start")); break;
      case "Escape":
        if (now.chosen) choose(now.chosen.key, null);
        else if (place(location.hash).item) location.hash = "#/" + place(location.hash).view;
        break;
      default: return;
    }
    event.preventDefault();
  });

  window.addEventListener("hashchange", () => {
    now.chosen = null;
    now.screen = null;
    now.typing = null;
    now.lines = {};
    seek();
    drawNav();
    // Before the drawing, which goes on to the question that the address names.
    window.scrollTo(0, 0);
    draw(true);
    if (now.me) {
      refresh();
      listen();
    }
  });
  // A phone that sleeps, or a page that nobody sees, holds no connection.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else begin();
  });
  window.addEventListener("online", begin);
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-at]")) time.textContent = sinceText(Number(time.dataset.at));
  }, 5000);
  // Where the page stands is ours to say: the browser would put it where it stood when it showed something else.
  history.scrollRestoration = "manual";
  seek();
  drawNav();
  begin();
}

if (typeof document !== "undefined") panel();
