// The panel's worker: keeps the page itself for when there is no network, and shows what the server tells while no page is
// open. Nothing that the interface answers is kept: the page's own parts say nothing of anybody.
"use strict";

const KEPT = "panel-1";
const PARTS = ["./", "panel.css", "panel.js", "icon.svg", "icon.png", "manifest.webmanifest"];

/** The part of the page that an address names; `null` for all else. */
function part(url, scope) {
  if (!url.startsWith(scope)) return null;
  const rest = url.slice(scope.length).split(/[?#]/, 1)[0];
  const name = rest === "" ? "./" : rest;
  return PARTS.includes(name) ? name : null;
}

/** What is shown for a message; `null` where it is none of ours. */
function notice(text) {
  let told = null;
  try {
    told = JSON.parse(text);
  } catch {
    return null;
  }
  const strings = ["kind", "id", "title", "body"].every((name) => typeof (told && told[name]) === "string");
  if (!strings) return null;
  const asks = told.kind === "ask";
  const options = { body: told.body, tag: told.id, data: { id: told.id }, icon: "icon.png", badge: "icon.png" };
  // How a question ended takes its place without a sound.
  return { title: told.title, options: asks ? { ...options, renotify: true, requireInteraction: true } : { ...options, silent: true } };
}

if (typeof module !== "undefined") module.exports = { part, notice };

if (typeof self !== "undefined" && self.registration) {
  const scope = self.registration.scope;

  self.addEventListener("install", (event) => {
    event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(PARTS)).then(() => self.skipWaiting()));
  });

  self.addEventListener("activate", (event) => {
    const others = (names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
    event.waitUntil(caches.keys().then(others).then(() => self.clients.claim()));
  });

  // What the server has now comes first; without it, what was kept.
  self.addEventListener("fetch", (event) => {
    const name = event.request.method === "GET" ? part(event.request.url, scope) : null;
    if (name === null) return;
    event.respondWith(fetch(event.request).then((fresh) => {
      if (fresh.ok) {
        const copy = fresh.clone();
        event.waitUntil(caches.open(KEPT).then((cache) => cache.put(name, copy)));
      }
      return fresh;
    }).catch(() => caches.match(name, { ignoreSearch: true }).then((kept) => kept || Response.error())));
  });

  self.addEventListener("push", (event) => {
    const told = notice(event.data ? event.data.text() : "");
    if (told) event.waitUntil(self.registration.showNotification(told.title, told.options));
  });

  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const id = event.notification.data && event.notification.data.id;
    const target = scope + "#/approvals" + (id ? "/" + encodeURIComponent(id) : "");
    event.waitUntil(self.clients.matchAll({ type: "window" }).then(async (open) => {
      const page = open.find((client) => client.url.startsWith(scope));
      if (!page) return self.clients.openWindow(target);
      await page.navigate(target);
      return page.focus();
    }));
  });
}
