"""Messages that ask nothing: greetings, thanks, goodbyes, and calls for help that don't say yet with what.

They get a friendly line of our own and no source. A message is small talk only when every word of it is; "thanks, but
where is my parcel?" isn't. Names after a greeting don't count.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skills.language import Phrases, Word, words

_LONGEST = 25
_MOST_NAMES = 2


class SmallTalk(StrEnum):
    """What kind of small talk; the values name the text that answers it. The first one that is heard decides."""

    IDENTITY = "identity"
    SAY_MORE = "say_more"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    WELL_BEING = "well_being"
    GREETING = "greeting"


def _listed(phrases: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in phrases.split("|"))


_HEARD: dict[SmallTalk, tuple[str, ...]] = {
    SmallTalk.IDENTITY: _listed("""
    are you a human | are you human | are you a person | are you a real person | are you real | are you a bot |
    are you a robot | are you an ai | are you a machine | are you ai | is this a bot | is this a real person |
    is this a human | is this an ai | am i talking to a human | am i talking to a bot | am i talking to a person |
    am i talking to a real person | am i talking to an ai | am i speaking to a human | am i speaking with a human |
    am i speaking to a person | am i speaking to a bot | am i speaking to a real person | am i chatting with a bot |
    am i chatting with a person | am i chatting with a human | am i talking to a machine | am i talking to a robot |
    who are you | what are you | what is your name | what's your name | bist du ein mensch | bist du ein bot |
    sind sie ein mensch | sind sie ein bot | sind sie ein roboter | bist du eine ki | wer bist du | wer sind sie |
    eres humano | eres un bot | eres un robot | es usted humano | es usted un robot | quién eres | quién es usted |
    êtes vous un humain | êtes vous un robot | es tu un robot | es tu humain | êtes vous humain | qui êtes vous |
    qui es tu
    """),
    SmallTalk.SAY_MORE: _listed("""
    help | help me | please help | i need help | i need some help | i need your help | need help | need some help |
    can you help | can you help me | could you help me | can someone help me | can anyone help me |
    i need assistance | can i ask you something | can i ask a question | i have a question | i have some questions |
    i have a problem | i have an issue | i've got a question | i've got a problem | i got a question |
    got a question | quick question | a question | a quick question | i have a quick question | question | problem |
    i have a request | i want to ask something | i would like to ask something | is anyone there | is anybody there
    | anyone there | anybody there | are you there | it doesn't work | it does not work | it isn't working |
    it's not working | not working | doesn't work | something is wrong | something's wrong |
    something isn't right | something is not right | something's not right | there's something wrong |
    there is something wrong | it's broken | it broke | it's acting up | it's playing up | i don't understand |
    support | customer service | test | hilfe | ich brauche hilfe | können sie mir helfen | kannst du mir helfen |
    ich habe eine frage | ich hätte eine frage | eine frage | frage | ich habe ein problem | ist da jemand |
    es funktioniert nicht | es geht nicht | etwas stimmt nicht |
    irgendwas stimmt nicht | da stimmt was nicht | funktioniert nicht | ayuda | necesito ayuda | me puede ayudar |
    puede ayudarme | puedes ayudarme | me ayudan | tengo una pregunta | tengo una duda | una pregunta | una consulta
    | tengo un problema | hay alguien | hay alguien ahí | no funciona | algo va mal |
    algo no va bien | aide | aidez moi | j'ai besoin d'aide |
    besoin d'aide | pouvez vous m'aider | j'ai une question | une question | j'ai un problème | il y a quelqu'un |
    ça ne marche pas | ça marche pas | quelque chose ne va pas
    """),
    SmallTalk.THANKS: _listed("""
    thanks | thank you | thank u | thx | ty | tysm | cheers | much appreciated | appreciate it | i appreciate it |
    appreciated | that helps | that helped | this helps | that's all | that is all | that's it | that's great |
    that works | got it | great | perfect | awesome | excellent | wonderful | cool | nice | ok | okay | alright |
    all good | sounds good | very helpful | you helped me | you've been very helpful | makes sense | understood |
    that was quick | that was fast | that was helpful | that was very helpful | so quick | so fast | quick reply |
    no more questions | it works now | problem solved | danke | danke schön | dankeschön | vielen dank |
    herzlichen dank | besten dank | alles klar | super | prima | das hilft | das war's | gracias | muchas gracias |
    mil gracias | perfecto | genial | vale | de acuerdo | eso es todo | estupendo | merci | merci beaucoup |
    merci bien | parfait | d'accord | c'est tout | super merci | génial
    """),
    SmallTalk.GOODBYE: _listed("""
    bye | bye bye | goodbye | good bye | see you | see you later | have a nice day | have a good day |
    have a great day | have a nice weekend | have a good weekend | good night | take care | kind regards |
    best regards | regards | best wishes | tschüss | tschüs | auf wiedersehen | bis bald | schönen tag |
    schönen tag noch | mit freundlichen grüßen | viele grüße | adiós | hasta luego | hasta pronto | un saludo |
    saludos | que tenga un buen día | au revoir | à bientôt | bonne journée | bonne soirée | cordialement
    """),
    SmallTalk.WELL_BEING: _listed("""
    how are you | how are you doing | how's it going | how is it going | how do you do | what's up | how are things
    | wie geht es ihnen | wie geht es dir | wie geht's | cómo está | cómo estás | qué tal | comment allez vous |
    ça va | comment ça va
    """),
    SmallTalk.GREETING: _listed("""
    hi | hii | hiya | hello | helo | hey | heya | hey there | yo | greetings | good morning | good afternoon |
    good evening | good day | morning | evening | dear | howdy | nice to meet you | my name is | i am | i'm | hallo
    | hallöchen | guten tag | guten morgen | guten abend | moin | servus | grüß gott | grüezi | ich heiße |
    mein name ist | hola | buenas | buenos días | buenas tardes | buenas noches | muy buenas | me llamo |
    mi nombre es | bonjour | bonsoir | salut | coucou | je m'appelle | mon nom est
    """),
}  # fmt: skip
_FILLERS = _listed("""
    there | team | everyone | all | sir | madam | sir or madam | so much | very much | a lot | again | please | for
    | your | the | you | guys | friend | today | and | with that | for your help | for the help |
    for the quick reply | for your quick reply | for the info | for the information | for your time |
    for your support | with something | with it |
    with mine | before i start | quick one | just checking | just wondering | by the way | or a bot | or a robot |
    or a machine | or a person | or a human | or an ai |
    oh | ah | well | yes | yeah | zusammen | sehr | nochmals | für ihre hilfe |
    für die hilfe | für die schnelle antwort | bitte | und | ja |
    damit | por favor | por su ayuda | por la ayuda | por todo
    | a todos | y | sí | pour votre aide | pour tout | à tous | s'il vous plaît | et | oui | beaucoup
""")
_INTRODUCTIONS = frozenset(_HEARD[SmallTalk.GREETING]) | {"dear"}
_FRIENDLY_SIGNS = frozenset("👍🙏❤😊🙂👏🎉😀😃😄✅")


@dataclass(frozen=True, slots=True)
class _Listed:
    kinds: dict[str, SmallTalk]
    phrases: Phrases


def _compiled() -> _Listed:
    kinds = {phrase: kind for kind, phrases in _HEARD.items() for phrase in phrases}
    return _Listed(kinds, Phrases.of((*kinds, *_FILLERS)))


_LISTED = _compiled()


def small_talk_in(text: str) -> SmallTalk | None:
    """Which small talk a text is; ``None`` when it says anything beyond."""
    said = words(text)
    if not said:
        return SmallTalk.THANKS if _FRIENDLY_SIGNS.intersection(text) else SmallTalk.SAY_MORE
    if len(said) > _LONGEST:
        return None
    heard: set[SmallTalk] = set()
    at = names = 0
    after_greeting = False
    for match in _LISTED.phrases.find(said):
        names += match.start - at
        if not (after_greeting or match.start == at) or not _are_names(said[at : match.start]):
            return None
        if match.phrase in _LISTED.kinds:
            heard.add(_LISTED.kinds[match.phrase])
        after_greeting = match.phrase in _INTRODUCTIONS
        at = match.end
    rest = said[at:]
    if not heard or not _are_names(rest) or (rest and not after_greeting) or names + len(rest) > _MOST_NAMES:
        return None
    return next(kind for kind in SmallTalk if kind in heard)


def _are_names(said: list[Word]) -> bool:
    return all(word.text[0].isupper() and word.text.isalpha() for word in said)
