/* Passkeys: what the browser and the server say to each other. Forms marked data-passkey are shown by this
   script alone, for a passkey cannot work without it; the password always can. */
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
const known = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

/* Of two ways to get the options: from the page, or from the server when the button is pressed. */
const optionsOf = async (form) => {
  const kept = form.querySelector("script[type='application/json']");
  if (kept) return JSON.parse(kept.textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};

const show = async ({ request_options: { publicKey } }) => {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  options.allowCredentials = known(publicKey.allowCredentials);
  const found = await navigator.credentials.get({ publicKey: options });
  const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
  return answer(found, {
    authenticatorData: text(authenticatorData),
    clientDataJSON: text(clientDataJSON),
    signature: text(signature),
    ...(userHandle ? { userHandle: text(userHandle) } : {}),
  });
};

const make = async ({ creation_options: { publicKey } }) => {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  options.user = { ...publicKey.user, id: bytes(publicKey.user.id) };
  options.excludeCredentials = known(publicKey.excludeCredentials);
  const made = await navigator.credentials.create({ publicKey: options });
  const { attestationObject, clientDataJSON } = made.response;
  return answer(made, { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) });
};

const answer = (credential, response) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  response,
  clientExtensionResults: credential.getClientExtensionResults(),
});

const ready = (form) => {
  const failed = form.querySelector("[data-passkey-failed]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    try {
      const options = await optionsOf(form);
      const credential = await (form.dataset.passkey === "make" ? make : show)(options);
      form.elements.credential.value = JSON.stringify(credential);
      if (form.elements.remember) {
        form.elements.remember.value = document.querySelector("input[type='checkbox'][name='remember']")?.checked ? "on" : "";
      }
      form.submit();
    } catch {
      failed.hidden = false; // cancelled, timed out, or no passkey for this site
    }
  });
};

if (window.PublicKeyCredential) {
  document.querySelectorAll("[data-passkey]").forEach(ready);
  document.querySelectorAll("[data-no-passkey]").forEach((notice) => { notice.hidden = true; });
}
