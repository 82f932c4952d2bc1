"""Import: what was recognised, a preview of five pairs, a chance to correct it, and then the copy."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.data import fixes, painting, thumbnails
from core.data.classes import ClassEncoding
from core.data.dataset import DataFolder
from core.data.importing import downloads
from core.data.importing.copying import Imported, bring_in
from core.data.importing.mask_files import folders_of
from core.data.importing.plan import Plan, preview
from core.data.importing.recognition import NoMasksError, recognise
from core.data.importing.sources import Source, open_source
from core.data.importing.tables import with_tables
from core.errors import UserError
from core.imaging import rendering
from core.policy.disclosure import for_visitor
from core.policy.permissions import allowed
from core.policy.policy import current_policy
from core.system.formatting import duration, percent, plural
from core.system.progress import TimeLeft
from core.system.spreadsheets import inert
from core.task import Task
from pages.widgets.choices import select_dataset
from pages.widgets.classes import class_legend
from pages.widgets.picture_grid import Cell, picture_grid
from pages.widgets.uploads import upload_many
from pages.widgets.wording import plain

PREVIEWED = 5  # pairs, and problems of photos that are to be painted
PREVIEW_SIDE = 420
MOST_ROWS = 20  # of the table of classes before it scrolls
NAMED_MASKS = 8  # of a photo: where each object has a mask, there may be hundreds
BY_HAND = "Folders that I choose"
ADDING = "adding_data"  # whether the page shows the ways to a new data set
STATE = "import_state"  # the Given that is open
NAMES = "import_names"  # the Naming of its classes


@dataclass(frozen=True, slots=True)
class Given:
    """What was uploaded, named or downloaded, by a key of its own; `photos` are those that have no masks."""

    key: str
    source: Source
    plans: list[Plan]
    photos: tuple[str, ...] = ()
    found: str = ""


@dataclass(slots=True)
class Naming:
    """The names that were given to classes, by the names they have; those of the table with this key, when
    it appeared, are `first`: a table whose rows change under it forgets what was typed."""

    given: dict[str, str] = field(default_factory=dict)
    key: str = ""
    first: list[str] = field(default_factory=list)


def from_files() -> None:
    st.caption(
        "A zip, a folder or single files, in any of the usual layouts: images and masks in folders or side "
        "by side, train and val, masks in colours, Pascal VOC, COCO, YOLO, LabelMe, CVAT, Supervisely, Label "
        "Studio, VIA, Kaggle run lengths. Nothing is copied before you have seen it. Limits: 400,000 files, "
        "500 MB a file, 120 megapixels a photo, 50 GB in all."
    )
    left, right = st.columns(2)
    with left:
        uploads = upload_many("A zip, or photos and masks together", None, current_policy().upload_megabytes)
    with right:
        path = ""
        if allowed("machine"):
            path = st.text_input(
                "Or a folder or zip on the machine that runs this app", placeholder="/home/me/photos"
            )
    if uploads:
        if len(uploads) > 1 and any(file.name.lower().endswith(".zip") for file in uploads):
            st.error("One zip at a time, please: remove the others.")
            return
        key = " ".join(file.file_id for file in uploads)
        single = uploads[0] if len(uploads) == 1 and uploads[0].name.lower().endswith(".zip") else None
        given: Any = single or [(file.name, file) for file in uploads]
        name = Path(uploads[0].name).stem if single else ""
    elif path.strip():
        key, given = path.strip(), Path(path.strip()).expanduser()
        name = given.stem if given.suffix else given.name
    else:
        forget()
        return
    with errors_shown():
        go_on(recognised(key, lambda: with_tables(open_source(given))), name)


def from_the_net() -> None:
    st.caption(
        "Public data sets, by the name on their page. An interrupted download continues where it ended."
    )
    place = st.segmented_control(
        "From", ["Kaggle", "Hugging Face"], default="Kaggle", required=True, key="download_place"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", placeholder="OWNER/NAME", key="download_name", width=460)
        asked = st.button("Download", type="primary", disabled=not name.strip())
        if place == "Kaggle" and st.button("The tutorial's own set", help=downloads.TUTORIAL_SET):
            name, asked = downloads.TUTORIAL_SET, True
    key = f"{place} {name}"
    with errors_shown():
        if asked:
            folder = fetch(place, name)
            st.session_state.downloaded = (key, folder)
        known, folder = st.session_state.get("downloaded", ("", Path()))
        if known:
            given = recognised(known, lambda: downloads.downloaded_source(folder))
            go_on(given, known.rsplit("/", 1)[-1])


def fetch(place: str, name: str) -> Path:
    """Download, showing how much has been received."""
    bar = st.empty()
    started = time.monotonic()
    for step in downloads.from_kaggle(name) if place == "Kaggle" else downloads.from_hub(name):
        if isinstance(step, Path):
            bar.empty()
            return step
        bar.info(f"Received {step.received / 1e6:,.0f} MB in {duration(time.monotonic() - started)}")
    raise UserError("The download did not finish: try again.")


def recognised(key: str, make: Any) -> Given:
    """Open and recognise once, not in every run of the page."""
    given: Given | None = st.session_state.get(STATE)
    if given is None or given.key != key:
        forget()
        with st.spinner("Reading the files …"):
            source = make()
            try:
                given = Given(key, source, recognise(source))
            except NoMasksError as error:
                given = Given(key, source, [], error.photos, error.found)
            except UserError:
                source.close()
                raise
        st.session_state[STATE] = given
    return given


def forget() -> None:
    given: Given | None = st.session_state.pop(STATE, None)
    st.session_state.pop(NAMES, None)
    if given:
        given.source.close()


def go_on(given: Given, name: str) -> None:
    if given.photos:
        offer_painting(given, name)
    else:
        confirm(given.source, given.plans, name)


def offer_painting(given: Given, name: str) -> None:
    """Photos without masks: make the masks, on the photos that are here already."""
    advice = "Make them by clicks or with a brush, or add them in masks/ under the photos' names."
    st.info(f"{plain(given.found)}. {advice}", icon=":material/info:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input("Name of the data set", placeholder=name, width=360)
        chosen = typed.strip() or name
        by_clicks = st.button(
            "Label by clicks", type="primary", icon=":material/ink_marker:", disabled=not chosen
        )
        if not (st.button("Paint masks", icon=":material/brush:", disabled=not chosen) or by_clicks):
            return
    with st.spinner(f"Copying {plural(len(given.photos), 'photo')} …"):
        folder, problems = painting.start(chosen, painting.photos_in(given.source, given.photos))
    open_painter(folder, [problem.sentence for problem in problems], by_clicks)


def open_painter(folder: Path, problems: list[str], by_clicks: bool = False) -> None:
    """Leave the import for the painter or the Label page, naming the photos that were excluded."""
    for sentence in problems[:PREVIEWED]:
        st.toast(plain(sentence), icon=":material/visibility_off:")
    select_dataset(folder)
    st.session_state.data_section = "Paint"
    leave()
    if by_clicks:
        st.switch_page("pages/label.py")
    st.rerun()


def leave() -> None:
    """Back to the data sets."""
    st.session_state[ADDING] = False
    st.session_state.pop("downloaded", None)
    forget()


def confirm(source: Source, plans: list[Plan], name: str) -> None:
    """What was recognised, corrected where it is wrong, and the button that copies."""
    plan = choose_plan(source, plans)
    st.success(f"**{plain(plan.layout)}**: {plain(plan.summary)}", icon=":material/check_circle:")
    plan = choose_classes(plan)
    sets = plan.splits()
    encoding = plan.labels.encoding()
    names: dict[str, str] = {}
    if encoding:
        split = f" Split: {', '.join(f'{n:,} {name}' for name, n in sets.items())}." if sets else ""
        st.caption(f"Masks: {plain(encoding.meaning)}.{split}")
    legend = st.container()
    if plan.problems:
        with st.expander(f"{plural(len(plan.problems), 'file')} will not be imported"):
            st.dataframe(
                inert([{"File": p.name, "Why": for_visitor(p.sentence)} for p in plan.problems[:1000]]),
                hide_index=True,
                column_config={"Why": st.column_config.TextColumn(width="large")},
            )
    previews(source, plan)
    if isinstance(encoding, ClassEncoding):
        names = name_classes(encoding.task, plan.layout)
        with legend:
            class_legend(replace(encoding.task, classes=tuple(names.values())))
    elif encoding and encoding.task.kind != "binary":
        with legend:
            class_legend(encoding.task)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.text_input("Name of the data set", placeholder=name, width=360)
        if st.button("Import", type="primary", icon=":material/download_done:"):
            copy(source, plan, chosen.strip() or name, names)


def choose_plan(source: Source, plans: list[Plan]) -> Plan:
    layouts = [plan.layout for plan in plans]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layout = st.selectbox("Read it as", [*layouts, BY_HAND], width=320, key="import_layout")
        if layout != BY_HAND:
            return plans[layouts.index(layout)]
        folders = folders_of(source)
        photos = st.selectbox("Photos are in", folders, width=300)
        masks = st.selectbox("Masks are in", folders, index=len(folders) - 1, width=300)
    return recognise(source, photos, masks)[0]


def choose_classes(plan: Plan) -> Plan:
    """Where there are classes: which, and whether they are one foreground or kept apart."""
    classes = list(plan.labels.classes)
    if not classes:
        return plan
    as_one = plan.labels.encoding() is not None and plan.labels.encoding().task.kind == "binary"  # type: ignore[union-attr]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        meaning = st.segmented_control(
            "The masks mark",
            ["One foreground", "Classes"],
            default="One foreground" if as_one else "Classes",
            required=True,
            key=f"import_meaning_{plan.layout}",
        )
        chosen = st.multiselect(
            "Classes to keep", classes, classes, width=560, key=f"import_classes_{plan.layout}",
            help="Pixels of the others count as background where there is one, and are ignored otherwise.",
        )  # fmt: skip
    return plan.choosing(tuple(chosen or classes), meaning == "One foreground")


def name_classes(task: Task, layout: str) -> dict[str, str]:
    """The names that the classes get, by those that they have. Raises UserError where two are alike."""
    naming: Naming = st.session_state.setdefault(NAMES, Naming())
    key = f"import_names_{layout}_{'/'.join(task.classes)}"
    if naming.key != key:
        naming.key, naming.first = key, [naming.given.get(name, name) for name in task.classes]
    with st.expander("Name the classes", expanded=any(name.startswith("class ") for name in task.classes)):
        table = st.data_editor(
            [{"Class": n, "Mask value": v} for n, v in zip(naming.first, task.values, strict=True)],
            key=key, num_rows="fixed", hide_index=True, disabled=["Mask value"], width=360,
            height=35 * (min(len(naming.first), MOST_ROWS) + 1) + 3,
        )  # fmt: skip
    new = [str(name or "").strip() for name in (row["Class"] for row in table)]
    naming.given |= dict(zip(task.classes, new, strict=True))
    return dict(zip(task.classes, fixes.checked_names(new), strict=True))


def previews(source: Source, plan: Plan) -> None:
    """Five pairs from all over, as they will be imported."""
    step = max(1, len(plan.items) // PREVIEWED)
    cells = []
    for item in plan.items[::step][:PREVIEWED]:
        try:
            photo, labels, encoding = preview(source, plan, item, PREVIEW_SIDE)
        except UserError as error:
            cells.append(Cell(item.image, "", item.image, for_visitor(str(error)), "cannot be read"))
            continue
        small = rendering.display_size(photo, PREVIEW_SIDE)
        url = rendering.data_url(thumbnails.pair_view(small, labels, "Overlay", encoding.task))
        masks = [mask for mask in item.masks if mask]
        shown = " + ".join([item.image, *masks[:NAMED_MASKS]])
        more = f" and {len(masks) - NAMED_MASKS} more" if len(masks) > NAMED_MASKS else ""
        cells.append(Cell(item.image, url, item.name, shown + more))
    picture_grid(cells, f"import_preview_{plan.layout}", least=150)


def copy(source: Source, plan: Plan, name: str, names: dict[str, str]) -> None:
    bar, left = st.progress(0.0, "Copying …"), TimeLeft(1.0)
    for step in bring_in(source, plan, name):
        if isinstance(step, Imported):
            rename(step.data, names)
            select_dataset(step.data.root)
            leave()
            st.rerun()
        bar.progress(step, f"Copied {percent(step)}{left.words(step)}")


def rename(data: DataFolder, names: dict[str, str]) -> None:
    """Give the classes their chosen names; those that only the whole set showed keep theirs."""
    classes = data.encoding.task.classes
    chosen = [names.get(name, name) for name in classes]
    if isinstance(data.encoding, ClassEncoding) and chosen != list(classes):
        fixes.rename(data, chosen)


@contextmanager
def errors_shown() -> Iterator[None]:
    """A sentence instead of a traceback, for what is wrong with the source."""
    try:
        yield
    except UserError as error:
        st.error(plain(str(error)))
