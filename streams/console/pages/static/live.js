"use strict";
/* News by server-sent events: rows change in place; new alerts are announced, and come in by themselves only where they disturb nobody. */

(() => {
  const place = one("[data-live]");
  if (!me || !window.EventSource) return;
  const dot = one("#live .dot"), said = one("#live-said");
  let waiting = 0, timer = null;

  const state = (on) => {
    if (!dot) return;
    dot.classList.toggle("on", on);
    dot.classList.toggle("off", !on);
    said.textContent = on ? "live" : "not live";
  };

  const queueHere = () => one('[data-live="queue"]');
  /* Nobody is reading: the page is at its top, and no row is chosen, pointed at or focused, and nothing is open. */
  const idle = () => {
    const results = one("#results");
    return scrollY < 80 && !all('#rows input:checked, #rows .here, [popover]:popover-open, .group[open]').length
      && results && !results.matches(":hover") && !results.contains(document.activeElement) && !document.hidden;
  };
  const announce = () => {
    const news = one("#news");
    if (!news) return;
    news.hidden = !waiting;
    one("#show-news").textContent = "Show " + waiting + (waiting === 1 ? " new alert" : " new alerts");
  };
  const bring = () => {
    waiting = 0;
    announce();
    const first = new URL(location.href);
    first.searchParams.delete("cursor");
    if (window.htmx) htmx.ajax("GET", first.pathname + first.search, { target: "#queue", select: "#queue", swap: "outerHTML" });
    else location.href = first.href;
  };
  document.addEventListener("click", (event) => { if (event.target.id === "show-news") bring(); });
  document.addEventListener("show-news", () => { if (waiting) bring(); });
  /* The list just came anew: what was announced is in it. */
  document.addEventListener("htmx:afterSettle", () => { waiting = 0; announce(); });

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (waiting && idle() && window.htmx && !new URL(location.href).searchParams.has("cursor")) bring(); }, 700);
  };

  let source = null, missed = false, hiding = null;
  const told = new Map();
  const on = (kind, done) => told.set(kind, (event) => done(JSON.parse(event.data || "{}")));
  const connect = () => {
    source = new EventSource("/events");
    source.addEventListener("open", () => {
      state(true);
      if (missed) told.get("again")({ data: "{}" });
      missed = false;
    });
    source.addEventListener("error", () => { state(false); missed = true; });
    for (const [kind, done] of told) source.addEventListener(kind, done);
  };
  const leave = () => { if (source) { source.close(); source = null; missed = true; state(false); } };

  on("alerts", (what) => {
    if (queueHere()) {
      refreshRows(what.ids || []);
      waiting += what.new || 0;
      announce();
      later();
    }
    const open = one('[data-live="alert"]');
    if (open && (what.ids || []).includes(open.dataset.id)) {
      refresh();
      toast("This alert was revised.");
    }
  });
  for (const kind of ["decision", "work"]) on(kind, (what) => {
    if (queueHere()) refreshRows(what.ids || []);
    const open = one('[data-live="alert"]');
    if (open && (what.ids || []).includes(open.dataset.id) && what.by !== me) {
      refresh();
      toast(kind === "decision" ? what.by + " decided on this alert." : what.owner ? what.owner + " has this alert now." : "Nobody has this alert now.");
    }
  });
  /* This browser was too slow and missed something. */
  on("again", () => {
    if (queueHere()) refreshRows(all("#rows > .row").map((row) => row.dataset.id));
    else if (one('[data-live="alert"]')) refresh();
  });
  on("health", (what) => { if (what.kafka === false) toast("Kafka does not answer; decisions are kept here and sent later.", true); });
  /* A browser has few connections for one host: pages that nobody sees leave theirs to others. */
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(leave, 30000);
    else if (!source) connect();
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  if (place) state(false);
  connect();
})();
