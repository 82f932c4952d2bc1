"""A browser's part of Streamlit's protocol: a websocket session that uploads photos and sees pictures."""

import asyncio
import base64
import json
import uuid
from typing import Any

import aiohttp
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

XSRF = "_streamlit_xsrf"


class Session:
    """One open page. `photo` is the last "before" picture that the server showed, as JPEG bytes."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self.client, self.url = client, url
        self.id = self.uploader = self.page = self.error = ""
        self.photo = b""
        self.received = 0
        self._fresh = False  # whether a picture came since the last upload
        self._kept: list[UploadedFileInfo] = []
        self._renewed: dict[str, asyncio.Task[None]] = {}  # parts of the page that renew themselves

    async def open(self, patience: float = 60.0) -> None:
        """Connect and let the page run once."""
        self.socket = await self.client.ws_connect(
            self.url.replace("http", "ws") + "/_stcore/stream", protocols=["streamlit"], max_msg_size=0,
            heartbeat=30,
        )  # fmt: skip
        await self._send(BackMsg(rerun_script={}))
        await asyncio.wait_for(self._until_finished(), patience)

    async def show(self, name: str, content: bytes, patience: float = 60.0) -> None:
        """Replace the photo by another one, and wait until the page has run to its end."""
        old, asked = self._kept, uuid.uuid4().hex
        request = {"request_id": asked, "file_names": [name], "session_id": self.id}
        await self._send(BackMsg(file_urls_request=request))
        place = (await asyncio.wait_for(self._until_urls(), patience)).file_urls[0]
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type="image/jpeg")
        token = {"X-Xsrftoken": self._token()}
        async with self.client.put(self.url + place.upload_url, data=form, headers=token) as answer:
            answer.raise_for_status()
        self._kept = [UploadedFileInfo(name=name, size=len(content), file_id=place.file_id, file_urls=place)]
        self._fresh = False
        await self._send(
            BackMsg(rerun_script={"page_script_hash": self.page, "widget_states": self._states()})
        )
        await asyncio.wait_for(self._until_finished(), patience)
        for file in old:  # as a browser does, once the photo is replaced
            address = self.url + file.file_urls.delete_url
            async with self.client.delete(address, headers=token):
                pass

    async def close(self) -> None:
        for task in self._renewed.values():
            task.cancel()
        await self.socket.close()

    def _token(self) -> str:
        found = [cookie.value for cookie in self.client.cookie_jar if cookie.key == XSRF]
        return found[0] if found else ""

    def _states(self) -> Any:
        state = FileUploaderState(uploaded_file_info=self._kept)
        return {"widgets": [WidgetState(id=self.uploader, file_uploader_state_value=state)]}

    async def _renew(self, part: str, seconds: float) -> None:
        while not self.socket.closed:
            await asyncio.sleep(seconds)
            state = {"page_script_hash": self.page, "fragment_id": part, "is_auto_rerun": True}
            await self._send(BackMsg(rerun_script={**state, "widget_states": self._states()}))

    async def _send(self, message: BackMsg) -> None:
        await self.socket.send_bytes(message.SerializeToString())

    async def _next(self) -> ForwardMsg:
        data = await self.socket.receive_bytes()
        self.received += len(data)
        return ForwardMsg.FromString(data)

    async def _until_urls(self) -> Any:
        while True:
            message = await self._next()
            if message.WhichOneof("type") == "file_urls_response":
                return message.file_urls_response
            self._look_at(message)

    async def _until_finished(self) -> None:
        while True:
            message = await self._next()
            self._look_at(message)
            if message.WhichOneof("type") != "script_finished":
                continue
            # A part that renews itself at that very moment makes an end look like one that came early.
            if message.script_finished == 0 or self._fresh:
                return

    def _look_at(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "auto_rerun" and message.auto_rerun.fragment_id not in self._renewed:
            asked = message.auto_rerun
            self._renewed[asked.fragment_id] = asyncio.create_task(
                self._renew(asked.fragment_id, asked.interval)
            )
        if kind == "new_session":
            self.id = message.new_session.initialize.session_id or self.id
            self.page = message.new_session.page_script_hash
        if kind != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        shown = element.WhichOneof("type")
        if shown == "file_uploader":
            self.uploader = element.file_uploader.id
        elif shown in ("exception", "alert"):
            self.error = str(getattr(element, shown))[:200]
        elif shown == "bidi_component" and element.bidi_component.component_name.endswith("image_slider"):
            data = json.loads(element.bidi_component.json)
            self._fresh = True
            self.photo = base64.b64decode(data["before"].split(",", 1)[1])
