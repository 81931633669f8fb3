"""A customer's side of one talk, for every channel: what a browser, a mail program or a phone would do.

talk.py       what they have in common
chat.py       the web chat's API
form.py       the form's API and its private page's
mail.py       a mail program, on the other side of the Gmail emulator
whatsapp.py   a phone, on the other side of the Twilio emulator
"""
