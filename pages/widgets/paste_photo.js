// A pasted picture goes the way of an uploaded file: into the page's own uploader, with its limits.
export default function ({ data, parentElement }) {
  const caption = parentElement.querySelector(".paste");
  caption.textContent = data.words;
  const onPaste = (event) => {
    const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    const input = document.querySelector('[data-testid="stFileUploader"] input[type=file]');
    if (!pictures.length || !input) return;
    event.preventDefault();
    const stamp = new Date().toISOString().slice(11, 19).replaceAll(":", "-");
    const files = new DataTransfer();
    pictures.forEach((file, i) => {
      const kind = file.type.split("/")[1].split("+")[0];
      const name = `pasted-${stamp}${i ? "-" + (i + 1) : ""}.${kind === "jpeg" ? "jpg" : kind}`;
      files.items.add(new File([file], name, { type: file.type }));
    });
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", onPaste);
  return () => document.removeEventListener("paste", onPaste);
}
