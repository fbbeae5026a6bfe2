// The check-in page works without this script. With it, taps and codes count without a network too: they wait in this
// browser, each with an id of its own, and are sent until the server has answered for them.
"use strict";
(() => {
  const door = document.getElementById("door");
  if (!door || !window.crypto?.randomUUID) return; // an old browser, or no secure connection: the forms do
  const words = door.dataset;
  const store = "scans " + location.pathname;
  const said = document.getElementById("said");
  const rows = new Map([...document.querySelectorAll("[data-registration]")].map((row) => [row.dataset.registration, row]));
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  const read = () => JSON.parse(localStorage.getItem(store) || "[]");
  const write = (scans) => localStorage.setItem(store, JSON.stringify(scans));

  function say(text) { said.textContent = text; }

  function name(id) { return rows.get(id)?.querySelector("[data-name]").textContent.trim() || words.unknown; }

  function mark(id, state) {
    const row = rows.get(id);
    if (!row) return;
    row.dataset.now = state;
    row.querySelector("[data-state]").textContent = words[state];
  }

  function count(id) {
    write([...read(), { id: crypto.randomUUID(), registration_id: id, at: new Date().toISOString().replace(/\.\d+/, "") }]);
    mark(id, "waits");
    say(name(id) + ": " + words.waits);
    send();
  }

  let sending = false;
  async function send() {
    const scans = read().slice(0, 100);
    if (sending || !scans.length) return;
    sending = true;
    try {
      const answer = await fetch(location.pathname + "/check-ins", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ check_ins: scans }),
      });
      if (answer.ok) {
        const outcomes = new Map((await answer.json()).check_ins.map((one) => [one.id, one.outcome]));
        write(read().filter((scan) => !outcomes.has(scan.id)));
        for (const scan of scans) {
          const state = outcomes.get(scan.id) === "refused" ? "refused" : "attended";
          mark(scan.registration_id, state);
          say(name(scan.registration_id) + ": " + words[state]);
        }
      } else if (answer.status === 404 || answer.status === 410) {
        say(words.ended);
      }
    } catch {
      say(words.offline); // the scans stay where they are
    } finally {
      sending = false;
    }
  }

  for (const [id, row] of rows) {
    row.querySelector("form[data-came]")?.addEventListener("submit", (event) => {
      event.preventDefault();
      count(id);
    });
  }
  for (const scan of read()) mark(scan.registration_id, "waits");
  addEventListener("online", send);
  setInterval(send, 10000);
  send();

  // The camera, where the browser can read codes
  const camera = document.getElementById("camera");
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  camera.hidden = false;
  camera.querySelector("button").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    const video = camera.querySelector("video");
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      await video.play();
    } catch {
      say(words.nocamera);
      return;
    }
    button.hidden = true;
    video.hidden = false;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    let last = "";
    setInterval(async () => {
      const [code] = await detector.detect(video).catch(() => []);
      if (!code || code.rawValue === last) return; // the same code, still before the camera
      last = code.rawValue;
      if (uuid.test(last)) count(last);
      else say(words.nocode);
    }, 300);
  });
})();
