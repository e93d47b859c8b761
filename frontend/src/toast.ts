// Short messages at the corner: what failed and why, what was done.

interface Action {
  label: string;
  run: () => void;
}

/** Shows a message; with an action it stays for 10 s, else for 4. */
export function toast(text: string, action?: Action): void {
  const place = document.querySelector("#toasts");
  if (!place) return;
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("p");
  words.textContent = text;
  box.append(words);
  if (action) box.append(button(action, box));
  place.append(box);
  setTimeout(() => box.remove(), action ? 10_000 : 4_000);
}

function button(action: Action, box: HTMLElement): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = action.label;
  made.addEventListener("click", () => {
    box.remove();
    action.run();
  });
  return made;
}
