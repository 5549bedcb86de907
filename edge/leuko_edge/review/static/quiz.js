"use strict";
// One signed cell after the other, named by key or button; the page knows neither its name nor where it is from.
const asked = document.getElementById("asked");
const problem = document.getElementById("problem");
let shown = performance.now();
let sending = false;

async function send(word, body) {
  const answer = await fetch(`/quiz/${word}`, {
    method: "POST",
    headers: { "x-token": document.querySelector("meta[name=token]").content },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (answer && answer.ok) return answer.json();
  problem.textContent = answer ? (await answer.json()).message : "The program does not answer.";
  problem.hidden = false;
  return null;
}

async function name(label) {
  if (sending) return;
  sending = true;
  const next = await send("answer", { at: Number(asked.dataset.at), said: label, seconds: (performance.now() - shown) / 1000 });
  sending = false;
  if (!next) return;
  if (next.at === null) return location.reload();
  document.getElementById("progress").textContent = `cell ${next.at + 1} of ${next.of}`;
  asked.dataset.at = next.at;
  asked.src = `/quiz/cell.png?at=${next.at}`;
}

if (asked) {
  const buttons = [...document.querySelectorAll("[data-label]")];
  asked.addEventListener("load", () => { shown = performance.now(); });
  asked.addEventListener("error", () => {
    problem.textContent = "This cell cannot be shown here: go on in the terminal, or forget this quiz.";
    problem.hidden = false;
  });
  buttons.forEach((button) => button.addEventListener("click", () => name(button.dataset.label)));
  document.addEventListener("keydown", (event) => {
    const button = buttons.find((one) => one.dataset.key === event.key.toLowerCase());
    if (button && !event.ctrlKey && !event.metaKey && !event.altKey && event.target.tagName !== "INPUT") name(button.dataset.label);
  });
  document.getElementById("abandon").addEventListener("click", async () => {
    if (await send("abandon", {})) location.reload();
  });
} else {
  document.getElementById("begin").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send("begin", { each: Number(document.getElementById("each").value) })) location.reload();
  });
}
