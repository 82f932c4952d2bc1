export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const rows = parentElement.querySelector(".rows");
  const chosen = new Set(data.chosen);
  const make = (tag, words, name) => {
    const made = document.createElement(tag);
    if (words) made.textContent = words;
    if (name) made.className = name;
    return made;
  };
  rows.replaceChildren(...data.rows.map((row) => {
    const box = make("div", "", "row"), head = make("div", "", "head");
    box.setAttribute("role", "listitem");
    if (data.ticks) {
      const tick = make("input");
      tick.type = "checkbox"; tick.checked = chosen.has(row.name);
      tick.setAttribute("aria-label", "Choose " + row.name);
      tick.onchange = () => {
        tick.checked ? chosen.add(row.name) : chosen.delete(row.name);
        setStateValue("chosen", [...chosen]);
      };
      head.append(tick);
    }
    const name = make("b"), tail = Math.min(12, row.name.length >> 1);
    name.title = row.name;  // a long name is cut in the middle, as wide as there is room
    name.append(make("span", row.name.slice(0, -tail || undefined), "start"), row.name.slice(-tail || row.name.length));
    head.append(name);
    if (row.flag) head.append(make("em", row.flag));
    head.append(make("span", row.detail, "detail"));
    box.append(head);
    if (row.problem) box.append(make("div", row.problem));
    const pictures = make("div", "", "pictures");
    for (const [title, url] of row.pictures) {
      const open = make("button"), img = make("img");
      open.disabled = !data.opens;
      open.setAttribute("aria-label", `Open ${row.name}: ${title}`);
      open.onclick = () => setTriggerValue("opened", row.name);
      img.src = url; img.alt = title;
      open.append(img, make("span", title));
      pictures.append(open);
    }
    box.append(pictures);
    return box;
  }));
}
