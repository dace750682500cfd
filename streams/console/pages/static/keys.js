"use strict";
/* The keyboard: j k Enter x a t s f n g u ? as the help says. Never while somebody types, never with a modifier. */

(() => {
  const typing = (target) => target.closest && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const isOpen = () => one("[popover]:popover-open");
  const show = (id) => { const found = document.getElementById(id); if (found && !found.matches(":popover-open")) { found.showPopover(); return true; } return false; };

  /* What j and k go through: rows of the queue, or evidence of an alert. */
  const stations = () => (one("#alert") ? all("a.proof") : all("#rows > .row, .group > summary, .group[open] .row"));
  const current = () => one(".row.here") || one("a.proof.lit") || (document.activeElement && document.activeElement.closest(".row, .group > summary, a.proof"));

  function go(step) {
    const listed = stations();
    if (!listed.length) return;
    const at = listed.indexOf(current());
    const next = listed[Math.min(Math.max(at + step, 0), listed.length - 1)];
    for (const row of all(".row.here")) row.classList.remove("here");
    if (next.matches("a.proof")) { next.focus({ preventScroll: true }); light(next); next.scrollIntoView({ block: "nearest" }); return; }
    if (next.matches(".row")) { next.classList.add("here"); one(".title a", next).focus({ preventScroll: true }); } else next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    if (next.getBoundingClientRect().top < 70) scrollBy(0, next.getBoundingClientRect().top - 70);
  }

  /* The alerts that a key acts on: those chosen, else the one that the reader is at. */
  function choose() {
    const boxes = all('#rows input[name="ids"]');
    if (boxes.some((box) => box.checked)) return true;
    const here = current();
    const box = here && one('input[name="ids"]', here);
    if (!box) { toast("Go to an alert first (j, k), or choose some (x)."); return false; }
    box.checked = true;
    chosen();
    return true;
  }

  const DO = {
    j: () => go(1),
    k: () => go(-1),
    x: () => { const here = current(), box = here && one('input[name="ids"]', here); if (box) { box.checked = !box.checked; chosen(); } },
    a: () => {
      const form = one('[data-act="take"]');
      if (form) { form.requestSubmit(); return; }
      if (one("#bulk-acts") && choose()) one("#bulk").requestSubmit(one('#bulk-acts [formaction="/api/alerts/take"]'));
    },
    t: () => { if (one("#alert") || (one("#bulk-acts") && choose())) show("decide"); },
    s: () => show("suppress"),
    f: () => { const search = one("#text"); if (search) { search.focus(); search.select(); } else location.href = "/"; },
    n: () => document.dispatchEvent(new Event("show-news")),
    g: () => { const turn = one("#grouping"); if (turn) turn.click(); },
    u: () => { if (one("#alert")) { if (document.referrer && new URL(document.referrer).pathname === "/" && new URL(document.referrer).origin === location.origin) history.back(); else location.href = "/"; } },
    "/": () => DO.f(),
    "?": () => show("help"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.id === "text") { event.target.blur(); return; }
    if (typing(event.target)) return;
    if (event.key === "Enter" && !isOpen() && event.target === document.body) {
      const here = one(".row.here .title a");
      if (here) here.click();
      return;
    }
    if (isOpen() || !DO[event.key]) return;
    event.preventDefault();
    DO[event.key]();
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest && event.target.closest("#rows > .row");
    for (const here of all(".row.here")) if (here !== row) here.classList.remove("here");
    if (row && event.target.matches(".title a") && event.target.matches(":focus-visible")) row.classList.add("here");
  });
})();
