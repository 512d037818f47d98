/* Makes the screens of the language models quicker. Each of them works without it. */
(() => {
  "use strict";

  const element = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  };

  const stepLine = (step) => {
    const line = element("li", `cs-step cs-${step.state}`, "");
    line.append(
      element("span", `cs-dot cs-${step.state}`, ""),
      element("strong", "", step.name),
      element("span", "cs-detail", step.detail),
      element("span", "cs-num", step.time),
      element("span", "cs-num", step.cost),
    );
    return line;
  };

  const show = (box, ...content) => {
    box.hidden = false;
    box.replaceChildren(...content);
  };

  /* Lines of JSON, each shown as soon as it arrives. */
  const readLines = async (body, take) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      lines.filter(Boolean).forEach((line) => take(JSON.parse(line)));
    }
  };

  const trial = async (button, box, options) => {
    const steps = element("ol", "cs-steps", "");
    const busy = element("p", "cs-busy", box.dataset.csBusy);
    show(box, steps, busy);
    const answer = await fetch(button.formAction, { ...options, headers: { Accept: "application/x-ndjson" } });
    if (!answer.ok) throw new Error(answer.status);
    const states = new Set();
    await readLines(answer.body, (step) => {
      states.add(step.state);
      steps.append(stepLine(step));
    });
    const { csGood, csPartly, csBad } = box.dataset;
    const told = states.has("bad") ? csBad : states.has("poor") ? csPartly : csGood;
    busy.replaceWith(element("p", states.has("bad") ? "cs-bad-text" : "cs-good-text", told));
  };

  const preview = async (button, box, options) => {
    show(box, element("p", "cs-busy", box.dataset.csBusy));
    const answer = await fetch(button.formAction, { ...options, headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok) throw new Error(answer.status);
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(box, ...parsed.body.childNodes);
  };

  const tools = { trial, preview };

  const useTool = async (event) => {
    event.preventDefault();
    const button = event.currentTarget;
    const box = button.form.querySelector("[data-cs-result]");
    button.disabled = true;
    try {
      await tools[button.dataset.cs](button, box, { method: "POST", body: new FormData(button.form) });
    } catch (error) {
      show(box, element("p", "cs-bad-text", box.dataset.csFailed));
    } finally {
      button.disabled = false;
      box.scrollIntoView({ block: "nearest" });
    }
  };

  /* Of the two ways to give a key only the chosen one is shown. */
  const keySource = () => {
    const source = document.getElementById("id_api_key");
    if (!source || source.tagName !== "SELECT") return;
    const rows = { reference: ".field-key_reference", typed: ".field-key_typed" };
    const follow = () => {
      Object.entries(rows).forEach(([value, selector]) => {
        const row = document.querySelector(selector);
        const wrong = row && row.querySelector(".errorlist");
        if (row) row.hidden = source.value !== value && !wrong;
      });
    };
    source.addEventListener("change", follow);
    follow();
  };

  const copying = (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.csCopy).textContent);
      const before = button.textContent;
      button.textContent = button.dataset.csDone;
      setTimeout(() => { button.textContent = before; }, 1500);
    });
  };

  /* A call that costs money is not sent twice by an impatient click. */
  const once = (button) => {
    button.form.addEventListener("submit", () => setTimeout(() => { button.disabled = true; }, 0));
  };

  const start = () => {
    document.querySelectorAll("[data-cs]").forEach((button) => button.addEventListener("click", useTool));
    document.querySelectorAll("[data-cs-copy]").forEach(copying);
    document.querySelectorAll("[data-cs-once]").forEach(once);
    keySource();
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
