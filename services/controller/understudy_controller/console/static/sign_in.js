// Begins a session with an access key, and goes where one wanted to go.
const said = document.getElementById("said");

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  said.textContent = "";
  const answer = await fetch("sign-in", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ accessKeyId: document.getElementById("key").value.trim(), secretAccessKey: document.getElementById("secret").value.trim() }),
  }).catch(() => null);
  if (!answer?.ok) {
    const body = await answer?.json().catch(() => ({}));
    said.textContent = body?.message ?? "The controller gives no answer.";
    return;
  }
  // Only ever to a page of the console: a link may say anything.
  const wanted = new URLSearchParams(location.search).get("to") ?? "";
  const base = location.pathname.slice(0, location.pathname.lastIndexOf("/console/"));
  location.replace(/^\/console\/(channels\/[^/\\]*)?$/.test(wanted) ? base + wanted : "./");
});
