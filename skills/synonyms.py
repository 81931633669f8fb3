"""How near two words are in meaning or in spelling: for what customers write and articles call something else.

The groups hold the words of every shop's support, not of any company's: customers *ship* and *post*, articles
*deliver*. Words are compared by their stems (``skills.language.stem``). A vector knows many more such kinships; these
are for the questions that share no word with the passage that answers them.
"""

from __future__ import annotations

from collections.abc import Collection

from skills.language import fold, stem

_GROUPS = """
deliver delivery delivered ship shipping shipped shipment postage post posted | versand versenden lieferung liefern
| envío enviar entrega entregar | livraison livrer envoi envoyer expédier
repair repaired mend mended fix fixed | reparatur reparieren | reparar reparación arreglar | réparation réparer
warranty warranties guarantee guaranteed | garantie gewährleistung | garantía
cost price priced fee charge charged pay expensive cheap | kosten preis gebühr teuer | precio coste costar cuesta tarifa
| prix coûter coût coûte tarif
loud noise noisy quiet sound | laut lärm geräusch leise | ruido ruidoso | bruit bruyant
wifi wlan
mould mold fluff fuzz fuzzy | schimmel | moho | moisissure
broken damaged smashed cracked crushed defective | kaputt defekt beschädigt | roto dañado averiado
| cassé endommagé défectueux
fit fits fitting compatible | passen passt kompatibel
cancel cancelled stop stopping end | kündigen stornieren beenden | cancelar anular | annuler résilier
dim dimmed bright brightness
sprout germinate germination
email mail
house address | adresse anschrift | dirección domicilio
add invite share
connect pair link | verbinden koppeln | conectar vincular | connecter associer
phone smartphone mobile telephone ring call | telefon handy anrufen | teléfono móvil llamar | téléphone portable appeler
box parcel package | paket päckchen | paquete | colis paquet
poisonous harmful toxic dangerous | giftig gefährlich schädlich | venenoso tóxico peligroso | toxique dangereux nocif
last expire valid run | gültig ablaufen | válido caducar | valable expirer
missing lost | verloren fehlt
wide width big size large tall high | breit größe groß hoch | ancho tamaño grande | largeur taille grand
present gift | geschenk | regalo | cadeau
discount reduction code voucher | rabatt gutschein | descuento cupón | remise réduction
company firm business office café | firma unternehmen büro | empresa oficina | entreprise société bureau
holiday away vacation | urlaub ferien | vacaciones | vacances
password login | passwort kennwort anmelden | contraseña
return returned | rückgabe zurückschicken retoure | devolución devolver | retour retourner renvoyer
refund money | erstattung geld | reembolso dinero | remboursement argent
"""
_SAME_MEANING = 0.8
_SAME_SPELLING = 0.7
_SHORTEST_FOR_A_SLIP = 4


def _numbered() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for number, group in enumerate(_GROUPS.replace("|", "\n").splitlines()):
        for word in group.split():
            groups.setdefault(stem(fold(word)), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in groups.items()}


_NUMBERED = _numbered()
_NONE: frozenset[int] = frozenset()


def kinship(asked: str, said: Collection[str]) -> float:
    """How near the nearest of these stems is to the one asked for: 1 the same, 0 nothing alike.

    A synonym counts a little less than the word, a slip of one letter less again.
    """
    if asked in said:
        return 1.0
    groups = _NUMBERED.get(asked, _NONE)
    if groups and any(groups & _NUMBERED.get(word, _NONE) for word in said):
        return _SAME_MEANING
    return _SAME_SPELLING if any(one_slip_apart(asked, word) for word in said) else 0.0


def one_slip_apart(one: str, other: str) -> bool:
    """Whether a letter too many, too few, wrong or swapped with its neighbour turns one word into the other.

    Short words and numbers never are: ``23`` isn't nearly ``25``.
    """
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST_FOR_A_SLIP or len(long) - len(short) > 1 or one.isdigit() or other.isdigit():
        return False
    at = next((index for index, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or short[at + 1 :] == long[at + 1 :]
