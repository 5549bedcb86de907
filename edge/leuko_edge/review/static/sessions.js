"use strict";
// Live sessions count as you look: the table's rows are asked for again every two seconds.
const rows = document.getElementById("rows");
setInterval(async () => {
  if (document.hidden || rows.contains(document.activeElement)) return;
  const address = new URL(location.href);
  address.searchParams.set("rows", "1");
  const answer = await fetch(address).catch(() => null);
  if (answer && answer.ok && !answer.redirected) rows.innerHTML = await answer.text(); // escaped by the server
}, 2000);

const nameForm = document.getElementById("name-form");
if (nameForm) {
  const save = (event) => {
    event.preventDefault();
    fetch("/name", {
      method: "POST",
      headers: { "x-token": document.querySelector("meta[name=token]").content },
      body: JSON.stringify({ name: document.getElementById("name").value }),
    });
  };
  nameForm.addEventListener("submit", save);
  nameForm.addEventListener("change", save);
}
