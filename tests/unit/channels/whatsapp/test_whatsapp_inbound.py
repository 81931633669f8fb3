"""From a webhook's parameters to an envelope: nothing is dropped, and people are known by what WhatsApp proves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.whatsapp import WHATSAPP
from channels.whatsapp.consent import Consent, consent
from channels.whatsapp.form import Form
from channels.whatsapp.inbound import MediaReference, Received, Referral, received
from skills.errors import InvalidMessageError

SID = "SM" + "0" * 32


def read(**parameters: str) -> Received:
    form = {
        "MessageSid": SID,
        "From": "whatsapp:+491701234567",
        "To": "whatsapp:+14155238886",
        "WaId": "491701234567",
        "ProfileName": "Ada",
        "Body": "Where is my order?",
        "NumMedia": "0",
        **parameters,
    }
    return received(Form(list(form.items())))


def test_a_text_becomes_an_envelope_that_whatsapp_proves() -> None:
    envelope = read().envelope
    assert (envelope.channel, envelope.provider_message_id) == (WHATSAPP, SID)
    assert (envelope.address, envelope.thread) == ("+491701234567", "+14155238886/+491701234567")
    assert (envelope.text, envelope.name, envelope.verified) == ("Where is my order?", "Ada", True)


def test_two_numbers_of_ours_are_two_threads() -> None:
    assert read().envelope.thread != read(To="whatsapp:+14155238887").envelope.thread


@pytest.mark.parametrize(
    ("parameters", "address", "aliases"),
    [
        ({}, "+491701234567", ()),
        ({"ExternalUserId": "DE.13491208655302741918"}, "+491701234567", ("DE.13491208655302741918",)),
        ({"From": "whatsapp:US.1349aB", "WaId": ""}, "US.1349aB", ()),
        ({"From": "whatsapp:US.1349", "ExternalUserId": "US.1349"}, "US.1349", ()),
        ({"From": "whatsapp:US.1", "ParentExternalUserId": "US.ENT.77"}, "US.1", ("US.ENT.77",)),
        ({"From": "whatsapp:ada.l", "ExternalUserId": "GB.55"}, "GB.55", ()),
        ({"From": "whatsapp:ada.lovelace", "WaId": ""}, "ada.lovelace", ()),
        ({"From": ""}, "+491701234567", ()),
        ({"From": "whatsapp:+5215512345678"}, "+5215512345678", ()),  # the old Mexican form, as WhatsApp writes it
        ({"From": "whatsapp:+999123456789"}, "+999123456789", ()),  # of no known plan
    ],
)
def test_the_address_is_the_number_else_the_user_id_else_what_there_is(
    parameters: dict[str, str], address: str, aliases: tuple[str, ...]
) -> None:
    got = read(**parameters)
    assert (got.envelope.address, got.aliases) == (address, aliases)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"Body": "  hello \x00 "}, "hello \ufffd"),
        ({"Body": "", "ButtonText": "Yes, please", "ButtonPayload": "yes"}, "Yes, please"),
        (
            {"Body": "", "Latitude": "52.5", "Longitude": "13.4", "Label": "Office", "Address": "Main St 1"},
            "[location: Office, Main St 1, 52.5, 13.4]",
        ),
        ({"Body": "here", "Latitude": "52.5", "Longitude": "13.4"}, "here\n[location: 52.5, 13.4]"),
        ({"Body": "Office", "Latitude": "1", "Longitude": "2", "Label": "Office"}, "[location: Office, 1, 2]"),
        ({"Body": "", "MessageType": "contacts"}, "[a WhatsApp message of a kind that cannot be shown here: contacts]"),
        ({"Body": "", "MessageType": "text"}, "[an empty WhatsApp message]"),
        ({"Body": " "}, "[an empty WhatsApp message]"),
        (
            {"Body": "", "NumMedia": "1", "MediaUrl0": "https://a.example/1", "MediaContentType0": "image/webp"}
            | {"MessageType": "sticker"},
            "[sticker: image/webp]",
        ),
        ({"Body": "", "NumMedia": "1", "MediaUrl0": "https://a.example/1"}, "[attachment: application/octet-stream]"),
    ],
)
def test_what_has_no_text_gets_one_that_says_so(parameters: dict[str, str], text: str) -> None:
    assert read(**parameters).envelope.text == text


def test_media_stand_beside_the_envelope() -> None:
    got = read(
        NumMedia="2",
        MediaUrl0="https://api.example/a",
        MediaContentType0="image/jpeg",
        MediaUrl1="https://api.example/b",
        MediaContentType1="audio/ogg",
    )
    assert got.media == (
        MediaReference(0, "https://api.example/a", "image/jpeg"),
        MediaReference(1, "https://api.example/b", "audio/ogg"),
    )
    assert got.envelope.text == "Where is my order?"


@pytest.mark.parametrize("count", ["", "-1", "x", "²", "9999999"])
def test_a_count_of_media_that_is_none_counts_nothing(count: str) -> None:
    assert read(NumMedia=count).media == ()


def test_media_without_a_web_address_are_left_out() -> None:
    assert read(NumMedia="1", MediaUrl0="file:///etc/passwd").media == ()


def test_replies_buttons_and_forwards_are_told() -> None:
    got = read(OriginalRepliedMessageSid="SM9", ButtonPayload="track", Forwarded="true")
    assert (got.replied_to, got.button, got.forwarded) == ("SM9", "track", "once")
    assert read(Forwarded="true", FrequentlyForwarded="true").forwarded == "often"
    assert (read().replied_to, read().button, read().forwarded) == (None, None, "no")


def test_the_advertisement_that_led_here_is_told() -> None:
    assert read(ReferralBody="Half price!").referral == Referral("", "Half price!", "")
    assert read().referral is None


def test_a_name_is_one_line_and_not_too_long() -> None:
    assert read(ProfileName="Ada\r\nBcc: x\u202e").envelope.name == "Ada Bcc: x"
    assert len(read(ProfileName="a" * 999).envelope.name or "") == 200
    assert read(ProfileName=" \n ").envelope.name is None


@pytest.mark.parametrize("parameters", [{"MessageSid": ""}, {"From": "", "WaId": ""}, {"To": ""}, {"MessageSid": "x"}])
def test_what_is_no_messages_webhook_is_refused_with_a_hint(parameters: dict[str, str]) -> None:
    with pytest.raises(InvalidMessageError) as refused:
        read(**parameters)
    assert refused.value.hint == "check the webhook's URL at Twilio"


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("STOP", Consent.STOP),
        ("stop.", Consent.STOP),
        ("Arrêt !", Consent.STOP),
        ("Abmelden", Consent.STOP),
        ("darme de baja", Consent.STOP),
        ("Start", Consent.START),
        ("começar", Consent.START),
        ("Hilfe!", Consent.HELP),
        ("help", Consent.HELP),
        ("stop my order please", None),
        ("cancel", None),
        ("yes", None),
        ("", None),
        ("stop " * 20, None),
    ],
)
def test_a_message_that_is_nothing_but_a_word_of_command_is_one(text: str, wish: Consent | None) -> None:
    got = read(Body=text)
    assert got.consent is wish
    if text:
        assert got.envelope.text == text.strip()


def test_what_twilio_says_of_a_wish_counts_more() -> None:
    assert consent("quit", "STOP") is Consent.STOP
    assert consent("stop", "SOMETHING") is Consent.STOP


KNOWN = ["From", "To", "WaId", "Body", "NumMedia", "Latitude", "Longitude", "MessageType", "ProfileName", "MediaUrl0"]


@given(st.dictionaries(st.sampled_from(KNOWN), st.text(max_size=40), max_size=8))
def test_any_values_give_a_message_with_a_text_and_an_address_or_a_refusal(parameters: dict[str, str]) -> None:
    try:
        got = read(**parameters)
    except InvalidMessageError:
        return
    assert got.envelope.text.strip()
    assert got.envelope.address.isprintable()


def test_what_only_has_files_is_a_persons_and_names_them() -> None:
    envelope = read(
        Body="",
        NumMedia="2",
        MessageType="image",
        MediaUrl0="https://api.twilio.com/0",
        MediaContentType0="image/jpeg; q=1",
        MediaUrl1="https://api.twilio.com/1",
    ).envelope
    assert envelope.for_person == "files_only"
    assert [(file.name, file.media_type, file.refusal, file.source) for file in envelope.attachments] == [
        ("image-1", "image/jpeg", "coming", "https://api.twilio.com/0"),
        ("application-2", "application/octet-stream", "coming", "https://api.twilio.com/1"),
    ]


def test_a_text_with_a_file_is_the_agents() -> None:
    envelope = read(NumMedia="1", MediaUrl0="https://api.twilio.com/0").envelope
    assert (envelope.for_person, len(envelope.attachments)) == (None, 1)


@pytest.mark.parametrize(
    "parameters", [{"Body": "", "MessageType": "order"}, {"Body": ""}, {"NumMedia": "1", "MediaUrl0": "file:///etc"}]
)
def test_what_cannot_be_read_is_a_persons_with_all_that_came(parameters: dict[str, str]) -> None:
    envelope = read(**parameters).envelope
    assert envelope.for_person == "unreadable"
    assert envelope.original is not None
    assert envelope.original.data is not None
    assert f"MessageSid: {SID}".encode() in envelope.original.data


def test_a_text_that_is_longer_than_any_is_cut_and_kept_whole() -> None:
    envelope = read(Body="a" * 30_000).envelope
    assert (len(envelope.text), envelope.for_person) == (20_000, "unreadable")
    assert envelope.original is not None
    assert envelope.original.data is not None
    assert b"a" * 30_000 in envelope.original.data


@pytest.mark.parametrize(
    ("text", "kind", "consent", "automatic", "confirmed"),
    [
        ("STOP", "", "stop", True, "You will get no more"),
        ("Désabonner", "", "stop", True, "Vous ne recevrez plus"),
        ("whatever", "STOP", "stop", True, None),
        ("start", "", "start", False, "You will get messages"),
        ("alta", "", "start", False, "Volverá a recibir"),
        ("help", "", None, False, None),
        ("Please stop calling me", "", None, False, None),
    ],
)
def test_a_wish_about_being_written_to_is_in_the_envelope(
    text: str, kind: str, consent: str | None, automatic: bool, confirmed: str | None
) -> None:
    envelope = read(Body=text, OptOutType=kind).envelope
    assert (envelope.consent, envelope.automatic) == (consent, automatic)
    assert (envelope.confirmation or "").startswith(confirmed or "")
    assert (envelope.confirmation is None) == (confirmed is None)


def test_what_the_answer_may_need_is_in_the_detail() -> None:
    detail = read(ButtonPayload="return-7", OriginalRepliedMessageSid="SM1", Forwarded="true").envelope.detail
    assert detail == {"button": "return-7", "replied_to": "SM1", "forwarded": "once"}
