"""The limits of a page's uploaders, without a browser."""

from streamlit.testing.v1 import AppTest

from core.server import upload_limit


def page() -> None:
    from pages.widgets.uploads import upload_one

    file = upload_one("Photo", ["png"], 1)
    import streamlit as st

    st.write(f"got {file.name if file else None}")


def test_a_file_over_the_widgets_limit_is_refused_by_the_server() -> None:
    app = AppTest.from_function(page).run()
    app.file_uploader[0].upload("small.png", b"x", "image/png").run()
    assert app.markdown[0].value == "got small.png" and not app.error
    app.file_uploader[0].upload("large.png", bytes((1 << 20) + 1), "image/png").run()
    assert app.markdown[0].value == "got None"
    assert "has more than 1 MB" in app.error[0].value


def test_pages_that_are_long_gone_are_forgotten() -> None:
    known = upload_limit._Expected()
    for number in range(upload_limit.KNOWN_PAGES + 5):
        known.expect(str(number), 1)
    assert known.get("0") == 0 and known.get(str(upload_limit.KNOWN_PAGES)) == 1
    known.expect("9", 5)
    known.expect("9", 2)
    assert known.get("9") == 5
