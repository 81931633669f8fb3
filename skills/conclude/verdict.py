"""What a customer says of an answer: that it solved the matter, that it did not, or neither.

Precise rather than eager: every word of the text has to be of a listed phrase, so "that solved it, but…" is neither,
and so is a mere "ok", "thanks" or "great", which say that somebody was heard and not that anything is settled.
"""

from __future__ import annotations

from skills.language import Phrases, words
from skills.turn import Verdict

_LONGEST = 25


def _listed(phrases: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in phrases.split("|"))


_SOLVED = _listed("""
    that solved it | this solved it | it solved it | solved it | that solved my problem | this solved my problem |
    that solved the problem | this solved the problem | that solved my issue | this solved my issue |
    that solved the issue | that has solved it | that has solved my problem | you solved my problem |
    you have solved my problem | that fixed it | this fixed it | that fixed my problem | that fixed the problem |
    that resolved it | this resolved it | that resolved my issue | that resolved the issue | it is solved |
    it's solved | it is fixed | it's fixed | it is resolved | it's resolved | is solved | is resolved |
    my problem is solved |
    the problem is solved | my issue is resolved | the issue is resolved | problem solved | issue solved |
    problem fixed | problem resolved | issue resolved | it works now | it works again | now it works | works now |
    it's working now | it is working now | it's working again | working now | that worked | this worked | it worked |
    that has worked | that did it | that did the trick | this did the trick | did the trick | that helped |
    this helped | it helped | that helped me | this helped me | that has helped | that answers my question |
    that answered my question | this answers my question | this answered my question | my question is answered |
    my question has been answered | that answers it | all solved | all sorted | it's sorted | it is sorted |
    sorted now |
    got it working | i got it working | it is settled | it's settled |
    das hat geholfen | das hat mir geholfen | hat geholfen | hat mir geholfen | es hat geholfen | das hat funktioniert |
    hat funktioniert | es hat funktioniert | hat geklappt | das hat geklappt | es hat geklappt |
    das hat es gelöst | das hat das problem gelöst | das hat mein problem gelöst | problem gelöst |
    das problem ist gelöst | mein problem ist gelöst | ist gelöst | ist jetzt gelöst | damit ist es gelöst |
    damit ist mein problem gelöst | damit ist meine frage beantwortet | meine frage ist beantwortet |
    frage beantwortet | jetzt geht es | jetzt geht's | es geht jetzt | es geht wieder | jetzt geht es wieder |
    jetzt funktioniert es | es funktioniert jetzt | funktioniert jetzt | es funktioniert wieder |
    jetzt klappt es | jetzt klappt's | es klappt jetzt | hat sich erledigt | das hat sich erledigt | ist erledigt |
    das war die lösung |
    eso lo resolvió | eso lo ha resuelto | eso lo solucionó | eso lo ha solucionado | esto lo resolvió |
    eso resolvió mi problema | eso ha resuelto mi problema | eso solucionó mi problema |
    eso solucionó el problema | ha solucionado mi problema | problema resuelto | problema solucionado |
    el problema está resuelto | el problema está solucionado | mi problema está resuelto | ya está resuelto |
    ya está solucionado | está resuelto | está solucionado | quedó resuelto | quedó solucionado | ya lo resolví |
    ya lo solucioné | ya funciona | ahora funciona | ahora sí funciona | ya me funciona | eso funcionó |
    ha funcionado | me ha funcionado | me funcionó | eso me ayudó | eso me ha ayudado | me ha ayudado | me ayudó |
    me ha servido | me sirvió | eso responde a mi pregunta | eso respondió a mi pregunta |
    ça a résolu mon problème | ça a résolu le problème | cela a résolu mon problème | cela a résolu le problème |
    vous avez résolu mon problème | mon problème est résolu | le problème est résolu | problème résolu |
    c'est résolu | c'est réglé | problème réglé | mon problème est réglé | le problème est réglé |
    ça marche maintenant | ça fonctionne maintenant | maintenant ça marche | maintenant ça fonctionne |
    ça remarche | ça marche à nouveau | ça a marché | ça a fonctionné | cela a fonctionné | ça m'a aidé |
    cela m'a aidé | ça m'a bien aidé | cela m'a bien aidé | ça répond à ma question | cela répond à ma question |
    vous avez répondu à ma question
""")
_NOT_SOLVED = _listed("""
    that didn't help | that did not help | this didn't help | this did not help | it didn't help | it did not help |
    that doesn't help | that does not help | this doesn't help | this does not help | didn't help | did not help |
    that didn't help me | that doesn't help me | that didn't solve it | that did not solve it |
    that didn't solve my problem | that did not solve my problem | that doesn't answer my question |
    that does not answer my question | that didn't answer my question | that did not answer my question |
    not helpful | that was not helpful | that wasn't helpful | that is not helpful | that's not helpful |
    das hat nicht geholfen | das hat mir nicht geholfen | das hat leider nicht geholfen |
    das hat mir leider nicht geholfen | hat leider nicht geholfen | hat nicht geholfen | hat mir nicht geholfen |
    das hilft mir nicht | das hilft nicht | das hilft mir nicht weiter | das hat mir nicht weitergeholfen |
    das beantwortet meine frage nicht | das hat mein problem nicht gelöst | nicht hilfreich |
    das war nicht hilfreich |
    no me ayudó | eso no me ayudó | no me ha ayudado | eso no me ha ayudado | eso no me ayuda | no me ayuda |
    no me sirvió | no me sirve | eso no me sirve | eso no responde a mi pregunta | no resolvió mi problema |
    eso no resolvió mi problema | no me ha servido |
    ça ne m'a pas aidé | cela ne m'a pas aidé | ça m'a pas aidé | ça ne m'aide pas | cela ne m'aide pas |
    ça n'a pas aidé | ça ne répond pas à ma question | cela ne répond pas à ma question |
    ça n'a pas résolu mon problème | cela n'a pas résolu mon problème | pas utile
""")
_YES = _listed("""
    yes | yep | yeah | yup | yes it did | it did | ja | jawohl | ja hat es | ja das hat es | sí |
    sí me ayudó | claro | claro que sí | oui | oui tout à fait | tout à fait
""")
_NO = _listed("""
    no | nope | nah | not really | no it didn't | no it did not | it didn't | nein | nee | leider nein | leider nicht |
    nicht wirklich | no mucho | la verdad no | la verdad que no | non | pas vraiment | pas du tout | malheureusement non
""")
_COURTESY = _listed("""
    thanks | thank you | thank you so much | thanks a lot | thanks so much | thanks again | many thanks | thx | ty |
    cheers | great | perfect | awesome | excellent | wonderful | brilliant | super | ok | okay | hi | hello | hey | oh |
    ah | now | finally | really | so much | very much | a lot | again | for me | for your help | for the help |
    for your quick help | for the quick reply | for the quick help | for the info | for the information | you | and |
    sorry | unfortunately | sadly | please | bye | goodbye | have a nice day | have a good day | have a great day |
    danke | vielen dank | danke schön | dankeschön | herzlichen dank | besten dank | danke sehr | prima | toll |
    klasse |
    wunderbar | hallo | guten tag | jetzt | endlich | leider | wirklich | nochmals | für ihre hilfe | für die hilfe |
    für die schnelle hilfe | für die schnelle antwort | und | sehr | gut | tschüss | schönen tag | schönen tag noch |
    gracias | muchas gracias | mil gracias | perfecto | genial | estupendo | vale | hola | por su ayuda | por tu ayuda |
    por la ayuda | por todo | lo siento | y | muy bien | buen día | adiós | desgraciadamente |
    merci | merci beaucoup | merci bien | un grand merci | parfait | super merci | génial | bonjour | enfin |
    pour votre aide | pour l'aide | pour tout | et | malheureusement | désolé | bonne journée | au revoir
""")

_EVERYTHING = Phrases.of((*_SOLVED, *_NOT_SOLVED, *_YES, *_NO, *_COURTESY))
_VERDICTS: dict[str, Verdict] = {
    **dict.fromkeys(_SOLVED, "solved"),
    **dict.fromkeys(_NOT_SOLVED, "not_solved"),
}
_ANSWERS: dict[str, Verdict] = {**dict.fromkeys(_YES, "solved"), **dict.fromkeys(_NO, "not_solved")}
_SIGNS: dict[str, Verdict] = {"👍": "solved", "✅": "solved", "👎": "not_solved"}


def verdict_in(text: str, *, asked: bool) -> Verdict | None:
    """What the text says of the answer; ``None`` when it says anything beyond, says both, or only asks.

    Args:
        text: everything that the customer wrote since.
        asked: they were just asked whether it helped, so that a bare yes, no or 👍 is an answer.
    """
    if "?" in text or "\u00bf" in text:
        return None
    said = words(text)
    if not said:
        signs = {verdict for sign, verdict in _SIGNS.items() if sign in text}
        return signs.pop() if asked and len(signs) == 1 else None
    if len(said) > _LONGEST:
        return None
    verdicts: set[Verdict] = set()
    answers: set[Verdict] = set()
    at = 0
    for match in _EVERYTHING.find(said):
        if match.start != at:
            return None
        if match.phrase in _VERDICTS:
            verdicts.add(_VERDICTS[match.phrase])
        elif match.phrase in _ANSWERS:
            answers.add(_ANSWERS[match.phrase])
        at = match.end
    heard = verdicts | answers
    # "Yes, that solved it" is one word; a yes beside "that didn't help" is neither, and a bare one has to be asked for.
    return heard.pop() if at == len(said) and len(heard) == 1 and (asked or verdicts) else None
