// What makes the pages quicker to use. Every page works without it: links lead to pages, forms are sent.
"use strict";

// "Why" opens over the page instead of leaving it.
function showWhy(link) {
  let dialog = document.querySelector("dialog.why-box");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "why-box";
    document.body.append(dialog);
  }
  fetch(link.href, { headers: { Accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((text) => {
      const page = new DOMParser().parseFromString(text, "text/html");
      const article = page.querySelector("[data-why]");
      if (!article) throw new Error("no figure");
      const close = document.createElement("button");
      close.className = "close";
      close.textContent = "×";
      close.setAttribute("aria-label", "Esc");
      close.addEventListener("click", () => dialog.close());
      article.querySelector("h1").id = "why-title";
      dialog.setAttribute("aria-labelledby", "why-title");
      dialog.replaceChildren(close, document.adoptNode(article));
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
    })
    .catch(() => location.assign(link.href));
}

// A value that was read and its place in the text belong together.
function chooseMark(link) {
  const mark = document.getElementById(link.dataset.mark);
  if (!mark) return false;
  document.querySelectorAll("mark.chosen").forEach((old) => old.classList.remove("chosen"));
  mark.classList.add("chosen");
  const box = mark.closest(".text");
  box.scrollTop += mark.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
  return true;
}

function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const why = event.target.closest("a[data-why-link]");
  if (why) {
    event.preventDefault();
    showWhy(why);
    return;
  }
  const mark = event.target.closest("a[data-mark]");
  if (mark && chooseMark(mark)) event.preventDefault();
});

// A slider that is moved computes at once; only the last place it stood in counts.
let moving = 0;
let asked = 0;
function computeWhatIf(form) {
  const mine = ++asked;
  const query = new URLSearchParams(new FormData(form));
  fetch(`${form.action}?${query}`, { headers: { Accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((text) => {
      const now = new DOMParser().parseFromString(text, "text/html").getElementById("what-if-result");
      if (mine === asked && now) document.getElementById("what-if-result").replaceChildren(...now.childNodes);
    })
    .catch((status) => {
      if (status === 503 && mine === asked) moving = setTimeout(() => computeWhatIf(form), 400);
    });
}
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-what-if]");
  if (!form) return;
  event.target.nextElementSibling.value = event.target.value;
  clearTimeout(moving);
  moving = setTimeout(() => computeWhatIf(form), 150);
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-what-if]");
  if (!form) return;
  event.preventDefault();
  computeWhatIf(form);
});

// A file that is dropped anywhere on a page goes into the page's form of files.
function dropped(event) {
  const form = document.querySelector("form[data-drop]");
  if (!form || !event.dataTransfer || ![...event.dataTransfer.types].includes("Files")) return null;
  event.preventDefault();
  return form;
}
document.addEventListener("dragover", (event) => dropped(event)?.classList.add("over"));
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) dropped(event)?.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  const form = dropped(event);
  if (!form) return;
  form.classList.remove("over");
  form.querySelector("input[type=file]").files = event.dataTransfer.files;
  if (form.dataset.drop === "send") form.requestSubmit();
});

// Whoever types chooses what was typed; whoever chooses an offer sees its place in the text.
document.addEventListener("input", (event) => {
  const name = event.target.dataset.types;
  if (name) document.querySelector(`input[name="${name}"][value="typed"]`).checked = true;
});
document.addEventListener("change", (event) => {
  const mark = event.target.dataset.markOf;
  if (mark) chooseMark({ dataset: { mark } });
});

// Words that are selected in a notice can be taken for any question beside it. The form sends their place in the text, in bytes of UTF-8; what is hidden there is
// shown by its name and counts as what it is.
const utf8 = new TextEncoder();
function selectedPlace() {
  const selection = getSelection();
  if (selection.rangeCount !== 1 || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const pre = range.startContainer.parentElement?.closest(".text pre");
  if (!pre) return null;
  let at = -1;
  let place = "";
  const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!range.intersectsNode(node)) continue;
    const control = node.parentElement.closest(".control");
    if (control) return null;
    const from = node === range.startContainer ? range.startOffset : 0;
    const to = node === range.endContainer ? range.endOffset : node.data.length;
    if (at < 0) {
      const piece = node.parentElement.closest("[data-at]");
      at = Number(piece.dataset.at);
      const before = document.createTreeWalker(piece, NodeFilter.SHOW_TEXT);
      for (let earlier = before.nextNode(); earlier !== node; earlier = before.nextNode()) {
        const hidden = earlier.parentElement.closest(".control");
        at += utf8.encode(hidden ? String.fromCodePoint(parseInt(earlier.data.slice(2), 16)) : earlier.data).length;
      }
      at += utf8.encode(node.data.slice(0, from)).length;
    }
    place += node.data.slice(from, to);
  }
  const words = place.trim();
  if (at < 0 || !words || words.length > 200) return null;
  const start = at + utf8.encode(place.slice(0, place.length - place.trimStart().length)).length;
  return { words, value: `${start}-${start + utf8.encode(words).length}:` };
}
document.addEventListener("selectionchange", () => {
  const bar = document.querySelector("[data-take]");
  const place = bar && selectedPlace();
  if (!place) return;
  const buttons = [...document.querySelectorAll("label[data-selected]")].map((label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label.closest("fieldset").querySelector("legend").textContent;
    button.addEventListener("click", () => {
      label.hidden = false;
      label.querySelector("strong").textContent = place.words;
      const choice = label.querySelector("input");
      choice.value = place.value;
      choice.checked = true;
      choice.focus();
    });
    return button;
  });
  const words = document.createElement("strong");
  words.textContent = place.words;
  bar.replaceChildren(words, ` ${bar.dataset.take} `, ...buttons);
});

// "/" goes to the search; arrows go from row to row while one is in a list.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    document.getElementById("find").focus();
  }
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.matches("a.row")) {
    const rows = [...document.querySelectorAll("a.row")];
    const next = rows[rows.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
});

// What is live is fetched again and put in place of what was there, unless somebody is at work in it.
const shown = new Map();
function refresh() {
  const live = [...document.querySelectorAll("[data-live]")];
  if (!live.length || document.hidden) return;
  fetch(location.href, { headers: { Accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((text) => {
      const page = new DOMParser().parseFromString(text, "text/html");
      for (const old of live) {
        const now = page.querySelector(`[data-live="${old.dataset.live}"]`);
        // Compared with what was told before, not with what stands there: what a reader opened or chose is no news.
        const told = now && now.innerHTML;
        if (!now || told === shown.get(old.dataset.live) || old.contains(document.activeElement)) continue;
        shown.set(old.dataset.live, told);
        old.replaceChildren(...now.childNodes);
      }
    })
    .catch(() => {});
}

// The server says that something happened; what it means for this page, the page says. Where there is no stream, the page is looked at now and then.
let due = 0;
let stream = null;
function happened() {
  clearTimeout(due);
  due = setTimeout(refresh, 500);
}
function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource("/v1/stream");
  const jobs = ["made", "advanced", "failed", "sent_to_review", "given_up", "retried", "corrected", "cancelled"].map((act) => `job.${act}`);
  const cases = ["opened", "decided", "closed", "reopened", "assessed", "changed"].map((act) => `case.${act}`);
  for (const name of [...jobs, ...cases]) stream.addEventListener(name, happened);
}
// A browser opens six connections to one server: a tab that nobody looks at holds none.
function hangUp() {
  if (stream) stream.close();
  stream = null;
}

window.addEventListener("hashchange", openTarget);
document.addEventListener("DOMContentLoaded", () => {
  openTarget();
  if (!document.querySelector("[data-live]")) return;
  document.querySelectorAll("[data-live]").forEach((live) => shown.set(live.dataset.live, live.innerHTML));
  listen();
  setInterval(refresh, 30000);
  addEventListener("pagehide", hangUp);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return hangUp();
    listen();
    refresh();
  });
});
