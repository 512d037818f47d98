/* Keeps the roster fresh. Without scripts the page shows it as it was when it was asked for. */
(() => {
  "use strict";

  const POLL = 2000, WITH_CHANGES = 15000, TOGETHER = 150;
  const box = document.querySelector("[data-cs-live]");
  if (!box) return;
  const body = box.querySelector("tbody");
  const known = new Map();
  let asking = false, again = false, timer = 0, feed = null;

  const age = (seconds) => {
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (seconds >= size) return [Math.floor(seconds / size), unit];
    }
    return [Math.max(0, Math.floor(seconds)), "second"];
  };

  const tick = () => {
    box.querySelectorAll("time[data-cs-since]").forEach((time) => {
      const since = Number(time.dataset.csSince);
      const [count, unit] = age(Date.now() / 1000 - since);
      const style = { style: "unit", unit, unitDisplay: "narrow" };
      time.textContent = new Intl.NumberFormat(document.documentElement.lang || "en", style).format(count);
      time.title = new Date(since * 1000).toLocaleString(document.documentElement.lang || "en");
    });
  };

  const rowOf = ({ id, html }) => {
    const before = known.get(id);
    if (before && before.html === html) return before.line;
    const line = before ? before.line : document.createElement("tr");
    line.innerHTML = html;
    line.dataset.csId = id;
    if (!before) line.className = "cs-came";
    known.set(id, { html, line });
    return line;
  };

  /* Lines that stay where they are are left alone, and so is the focus in them. */
  const place = (rows) => {
    const wanted = rows.map(rowOf);
    const ids = new Set(rows.map(({ id }) => id));
    for (const [id, { line }] of known) {
      if (!ids.has(id)) { line.remove(); known.delete(id); }
    }
    wanted.forEach((line, index) => {
      if (body.children[index] !== line) body.insertBefore(line, body.children[index] || null);
    });
  };

  const tell = (told, trouble) => {
    const state = box.querySelector(".cs-live-told");
    if (told && state.textContent !== told) state.textContent = told;
    const note = box.querySelector(".cs-live-trouble");
    note.hidden = !trouble;
    note.textContent = trouble;
    box.querySelector(".cs-live-state .cs-dot").className = `cs-dot cs-${trouble ? "bad" : "good"}`;
  };

  const show = ({ rows, told, trouble }) => {
    tell(trouble ? "" : told, trouble);
    if (trouble) return; // what was known last stays on the page
    place(rows);
    box.querySelector(".cs-live-panel").hidden = !rows.length;
    box.querySelector(".cs-live-empty").hidden = rows.length > 0;
    tick();
  };

  const refresh = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(box.dataset.csLive, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
    } catch {
      tell("", box.dataset.csAway);
    }
    asking = false;
    if (again) { again = false; soon(TOGETHER); } else later();
  };

  const soon = (pause) => { clearTimeout(timer); timer = setTimeout(refresh, pause); };
  const later = () => soon(feed && feed.readyState === EventSource.OPEN ? WITH_CHANGES : POLL);

  /* The feed only rings the bell: what a row looks like is said in one place, the server's. */
  const listen = () => {
    if (!box.dataset.csChanges) return;
    feed = new EventSource(box.dataset.csChanges);
    feed.onmessage = () => soon(TOGETHER);
    feed.onerror = () => soon(POLL);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer); else soon(0);
  });
  body.querySelectorAll("tr").forEach((line) => known.set(line.dataset.csId, { html: "", line }));
  tick();
  setInterval(tick, 1000);
  listen();
  soon(0);
})();
