"use strict";
/* What every page needs: theme, acts without leaving the page, evidence and its field. Pages work without it. */

const token = document.querySelector('meta[name="csrf"]').content;
const me = document.querySelector('meta[name="person"]').content;
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function toast(words, bad = false) {
  const said = document.createElement("p");
  said.className = bad ? "toast bad" : "toast";
  said.textContent = words;
  one("#toasts").append(said);
  setTimeout(() => said.remove(), bad ? 9000 : 4500);
}

/* Put the parts of a page that may have changed (marked data-refresh) in place of those shown, without moving anything else. */
async function refresh(address = location.href) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of all("[data-refresh]")) {
    const found = fresh.getElementById(part.id);
    if (found && found.outerHTML !== part.outerHTML) part.replaceWith(document.adoptNode(found));
  }
  const forms = [one('[data-act="take"]'), one('[data-act="take"]', fresh)];
  if (forms[0] && forms[1]) forms[0].replaceWith(document.adoptNode(forms[1]));
}

/* Rows as they are now, in place of those shown: nothing moves that somebody reads. */
async function refreshRows(ids) {
  const shown = ids.filter((id) => document.getElementById("row-" + id));
  if (!shown.length) return;
  const answer = await fetch("/queue/rows?" + new URLSearchParams(shown.map((id) => ["ids", id])), { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString("<ol>" + (await answer.text()) + "</ol>", "text/html");
  for (const row of all("li.row", fresh)) {
    const old = document.getElementById(row.id);
    if (!old) continue;
    const made = document.adoptNode(row);
    const here = old.contains(document.activeElement);
    one("input[type=checkbox]", made).checked = one("input[type=checkbox]", old).checked;
    if (old.classList.contains("here")) made.classList.add("here");
    old.replaceWith(made);
    if (here) one(".title a", made).focus({ preventScroll: true });
  }
}

function sentence(told, status) {
  const said = told && (told.detail || told.error || told.message);
  if (typeof said === "string") return said;
  if (Array.isArray(said) && said[0]) return said.map((each) => each.msg || each.message || String(each)).join("; ");
  return status === 403 ? "Your role may not do that." : "That did not work (" + status + ").";
}

const SAID = {
  "/api/alerts/decide": "Decided", "/api/alerts/take": "Taken", "/api/alerts/release": "Released",
  "/api/alerts/hand-over": "Handed over", "/api/suppressions": "Suppressed",
};

async function act(form, pressed) {
  const address = new URL((pressed && pressed.getAttribute("formaction")) || form.getAttribute("action"), location.href);
  const sent = new FormData(form);
  sent.delete("next");
  const ids = sent.getAll("ids");
  const whole = sent.has("query");
  if (whole) sent.delete("ids");
  const where = one(".wrong", (pressed && pressed.closest("[popover]")) || form);
  if (where) where.textContent = "";
  if (address.pathname.endsWith("/decide") && !sent.get("verdict")) {
    if (where) where.textContent = "Choose a verdict.";
    return;
  }
  if (pressed) pressed.disabled = true;
  try {
    const answer = await fetch(address, {
      method: "POST", body: new URLSearchParams(sent), credentials: "same-origin",
      headers: { "X-CSRF-Token": token, Accept: "application/json" },
    });
    const told = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : null;
    if (!answer.ok) {
      if (answer.status === 401) { location.href = "/login?next=" + encodeURIComponent(location.pathname + location.search); return; }
      const words = sentence(told, answer.status);
      if (where) where.textContent = words; else toast(words, true);
      return;
    }
    const count = told && (told.decided ?? told.changed);
    const many = whole && count != null ? count + " alerts" : ids.length > 1 ? ids.length + " alerts" : "";
    toast([SAID[address.pathname] || "Done", many].filter(Boolean).join(": "));
    for (const drawer of all("[popover]:popover-open")) drawer.hidePopover();
    if (form.id === "bulk") {
      for (const box of all('input[name="ids"]:checked')) box.checked = false;
      chosen();
      await refreshRows(ids);
    } else {
      form.reset();
      await refresh();
    }
  } catch {
    const words = "The console does not answer; nothing was done.";
    if (where) where.textContent = words; else toast(words, true);
  } finally {
    if (pressed && pressed.isConnected) pressed.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.act || (event.submitter && "plain" in event.submitter.dataset)) return;
  event.preventDefault();
  act(form, event.submitter);
});

/* Choosing rows for a bulk act. */
function chosen() {
  const boxes = all('#rows input[name="ids"]');
  const picked = boxes.filter((box) => box.checked).length;
  const acts = one("#bulk-acts");
  if (!acts) return;
  acts.hidden = !picked;
  one("#acts").classList.toggle("chosen", picked > 0);
  one("#chosen-count").textContent = picked ? picked + " chosen" : boxes.length ? "Choose alerts to act on many" : "";
  const whole = one("#choose-all");
  whole.checked = picked > 0 && picked === boxes.length;
  whole.indeterminate = picked > 0 && picked < boxes.length;
  const query = one("#bulk-query"), more = one("#choose-more");
  if (query) {
    query.disabled = true;
    more.hidden = !(picked && picked === boxes.length);
  }
}
/* All that match, not only those on this page: the server looks them up by the filters. */
document.addEventListener("click", (event) => {
  if (event.target.id !== "choose-more") return;
  one("#bulk-query").disabled = false;
  one("#chosen-count").textContent = event.target.dataset.said;
  event.target.hidden = true;
});
let lastBox = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest && event.target.closest('#rows input[name="ids"]');
  if (!box) return;
  if (event.shiftKey && lastBox && lastBox.isConnected) {
    const boxes = all('#rows input[name="ids"]');
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
  }
  lastBox = box;
});
document.addEventListener("change", (event) => {
  if (event.target.id === "choose-all") for (const box of all('#rows input[name="ids"]')) box.checked = event.target.checked;
  if (event.target.id === "choose-all" || event.target.name === "ids") chosen();
});

/* Evidence: the field that it points to lights up, beside it, without a jump of the page. */
function light(proof) {
  for (const lit of all(".lit")) lit.classList.remove("lit");
  const field = document.getElementById(proof.dataset.field);
  proof.classList.add("lit");
  if (!field) return;
  const closed = field.closest("details:not([open])");
  if (closed) closed.open = true;
  field.classList.add("lit");
  const paper = field.closest(".paper");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (paper && paper.scrollHeight > paper.clientHeight && getComputedStyle(paper).overflowY !== "visible" && matchMedia("(min-width: 1001px)").matches) {
    const top = field.getBoundingClientRect().top - paper.getBoundingClientRect().top + paper.scrollTop;
    paper.scrollTo({ top: Math.max(0, top - paper.clientHeight / 3), behavior: calm });
  } else {
    field.scrollIntoView({ block: "center", behavior: calm });
  }
}
document.addEventListener("click", (event) => {
  const proof = event.target.closest && event.target.closest("a.proof");
  if (proof && !event.ctrlKey && !event.metaKey) { event.preventDefault(); light(proof); return; }
  const back = event.target.closest && event.target.closest("a.ref-no");
  if (back) {
    event.preventDefault();
    const found = document.getElementById(back.hash.slice(1));
    if (found) { light(found); found.focus({ preventScroll: true }); found.scrollIntoView({ block: "nearest" }); }
  }
});

/* How many alerts a suppression would match. */
document.addEventListener("change", async (event) => {
  const form = event.target.form;
  if (!form || !form.dataset.preview) return;
  const said = one("[data-preview-said]", form);
  const sent = new FormData(form);
  if (!["rule", "code", "party", "lane", "group_key"].some((name) => sent.get(name))) { said.textContent = ""; return; }
  sent.delete("next");
  const answer = await fetch(form.dataset.preview, {
    method: "POST", body: new URLSearchParams(sent), credentials: "same-origin", headers: { "X-CSRF-Token": token, Accept: "application/json" },
  });
  const told = answer.ok ? await answer.json() : null;
  const count = told && (told.matches ?? told.count);
  said.textContent = count == null ? "" : "Matches " + count + (count === 1 ? " alert now." : " alerts now.");
});

/* Theme: as the system, light, dark; kept in a cookie, so that the server sends the page in it. */
const theme = one("#theme");
if (theme) {
  const SIGNS = { "": "◐", light: "☀", dark: "☾" };
  const show = () => {
    const now = document.documentElement.dataset.theme || "";
    theme.firstElementChild.textContent = SIGNS[now];
    theme.setAttribute("aria-label", "Theme: " + (now || "as the system"));
    theme.title = theme.getAttribute("aria-label");
  };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const next = { "": "light", light: "dark", dark: "" }[document.documentElement.dataset.theme || ""];
    if (next) document.documentElement.dataset.theme = next; else delete document.documentElement.dataset.theme;
    document.cookie = "assay_theme=" + next + ";path=/;max-age=" + (next ? 31536000 : 0) + ";samesite=lax";
    show();
    document.dispatchEvent(new CustomEvent("themed"));
  });
  show();
}

/* Without htmx a changed filter is sent as a form. */
if (window.htmx) document.documentElement.classList.add("quick");
else document.addEventListener("change", (event) => { if (event.target.form && event.target.form.id === "filters" && event.target.id !== "text") event.target.form.requestSubmit(); });

/* A table that is wider than its place can be scrolled by keyboard too. */
function reachable() {
  for (const place of all(".scrolls")) {
    if (place.scrollWidth > place.clientWidth + 1) { place.tabIndex = 0; place.setAttribute("role", "group"); place.setAttribute("aria-label", "Table, scrolls sideways"); }
    else if (place.tabIndex === 0) place.removeAttribute("tabindex");
  }
}
reachable();
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);

/* A narrow page begins with its filters closed; filters that were opened stay open when htmx brings the page anew. */
const narrow = matchMedia("(max-width: 1000px)");
const shell = () => { const found = one("#rail-shell"); if (found && narrow.matches) found.open = false; };
if (narrow.matches) for (const told of all(".graph-told")) told.open = true;
shell();
/* A wide page has no handle to open them by. */
narrow.addEventListener("change", () => { const found = one("#rail-shell"); if (found) found.open = !narrow.matches; });
let opened = null;
document.addEventListener("htmx:beforeSwap", () => { opened = Object.fromEntries(all("details[id]").map((each) => [each.id, each.open])); });
document.addEventListener("htmx:afterSettle", () => {
  for (const [id, open] of Object.entries(opened || {})) { const found = document.getElementById(id); if (found && found.open !== open) found.open = open; }
  opened = null;
  chosen();
  const total = one("#total");
  if (total) one("#said").textContent = total.parentElement.textContent.trim();
});
document.addEventListener("htmx:responseError", (event) => toast("That did not work (" + event.detail.xhr.status + ").", true));
document.addEventListener("htmx:sendError", () => toast("The console does not answer.", true));
chosen();
