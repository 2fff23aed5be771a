"""The most frequent small words of languages in Latin and Cyrillic letters: grammar, hence no names or topics."""

from __future__ import annotations

_LISTS: dict[str, str] = {
    "en": """the of and to in is that it for was on are with as be this have from or had by not but what all were when we there can an
        your which their if will each about how up out them then she many some so these would other into has her two like him see could
        no make than been its who now did my more over such also should because they he you at do does where why most only between being
        while both those our may i me his after before through during any very just""",
    "es": """el la los las de y en que un una por con para es su se del al lo como más pero sus le ya o este sí porque esta entre cuando muy
        sin sobre también me hasta hay donde quien desde todo nos durante todos uno les ni contra otros ese eso ante ellos e esto mí antes
        algunos qué unos yo otro otras otra él tanto esa estos mucho quienes nada muchos cual poco ella estar estas algunas algo nosotros
        son ser fue está han ha puede pueden tiene era cómo""",
    "fr": """le la les de des du et en un une que est pour qui dans par sur pas plus au avec ce il sont ne se son sa ses mais ou comme aux
        cette ces nous vous ils elle elles leur leurs être avoir été fait tout tous toute très peut même aussi sans entre d'un d'une qu'il
        c'est n'est l'on où donc si dont après avant votre notre mes ma mon on lui y a ont était cela""",
    "de": """der die das und in zu den von mit ist im für auf ein eine nicht des sich dem auch als es an werden aus er hat dass sie nach wird
        bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei ich du wir
        ihr kann können wenn dieser diese dieses sowie unter gegen vom zwischen ihre ihren seine mich mir uns was wer wo warum eines""",
    "pt": """o a os as de e do da em um uma que para com não por mais dos das como mas ao ele foi se na no nas nos ou quando muito há já
        eu também só pelo pela até isso ela entre depois sem mesmo aos seus quem me esse eles você essa num nem suas meu às minha numa
        pelos elas qual nós lhe deles essas esses pelas este dele são ser está tem pode é seu sua à foram""",
    "it": """il lo la i gli le di e che in un una per con non è del della dei delle da al alla sono si come più ma anche se nel nella su
        questo questa ha ho hanno essere o ci suo sua loro quando dalla dal dove chi cosa perché molto tutto tutti già ancora così dopo
        prima senza tra fra sul sulla ai alle degli nei nelle può possono era sia c'è un'altra""",
    "nl": """de het een en van in is dat op te zijn met voor niet die er aan om ook als dan maar bij of uit nog naar heeft hebben door over
        ze hij wordt werd worden kan geen deze dit wat meer was tot je ik we wij zij mijn haar hun onder tegen na wel veel zo hoe waar
        tussen omdat moet kunnen zou zal""",
    "sv": """och i att det som en på är av för med den till inte har de ett om var men sig så från vi kan du jag han hon när också eller
        vad nu ska efter under mycket där utan mot mellan vid alla några detta dessa deras sin sina bara hur än över skulle måste blir""",
    "da": """og i at det er en til af på for med den som ikke har de et om var men sig så fra vi kan du jeg han hun når også eller hvad nu
        skal efter under meget hvor uden mod mellem ved alle nogle dette disse deres sin sine kun hvordan end over ville blev bliver være""",
    "no": """og i at det er en til av på for med den som ikke har de et om var men seg så fra vi kan du jeg han hun når også eller hva nå
        skal etter under mye hvor uten mot mellom ved alle noen dette disse deres sin sine bare hvordan enn over ville ble blir være""",
    "fi": """ja on ei se että oli hän mutta ovat tai kun myös niin joka mitä sen kuin ne ole olla jos vain voi sekä mukaan joita jotka
        tämä tämän nämä siitä siinä minä sinä me te he ollut olisi kanssa jälkeen ennen koska miten missä mikä hyvin enemmän kaikki""",
    "pl": """i w na z do nie się to że jest o jak za od po co ale przez dla są był być oraz jego jej ich ten tego tej te tym tych który
        która które lub czy tylko może już przy także jako bardzo gdy można więc kiedy gdzie dlaczego jeśli ma mnie mi był była było pod""",
    "cs": """a v na se je že to s z do o i k ve pro jako by za po jsou nebo ale tak od který která které jeho její jejich byl byla bylo
        být při již může také jen když než co jak kde proč aby má mít podle před mezi pod nad této tento tato toto je ze""",
    "ro": """și în de la a pe cu că este un o nu din care se mai pentru au fi sau dar ca al ale lui ei lor acest această acestea sunt fost
        prin după cum între unei unui foarte când unde dacă poate fără până nici doar""",
    "hu": """a az és hogy nem is egy ez azt volt de csak van már meg el ha mint vagy még kell lehet aki ami amely után között minden más
        ezt ezek azok mert hogyan mi ki hol mikor nagyon több lett legyen szerint által""",
    "tr": """ve bir bu da de için ile çok daha olarak olan gibi ne en var kadar sonra ama ya mi o ben sen biz siz onlar her şey değil
        ise veya nasıl neden çünkü olduğu tarafından göre arasında bunu olabilir içinde üzerinde""",
    "id": """yang dan di dari untuk dengan pada ini itu adalah tidak dalam akan ke oleh juga sebagai atau ada dapat bisa saya anda mereka
        kita kami telah sudah lebih seperti karena bagaimana apa tersebut secara antara satu banyak hanya saat harus para""",
    "vi": """và của là có trong cho không được các một những với người này đã khi đến để từ như nhưng tôi bạn cũng về ra vào nhiều hơn
        hoặc thể sự theo tại sau trước nếu vì đó làm phải cần giúp""",
    "ca": """el la els les de i en que un una per amb és no se del al com més però seu seva aquest aquesta o també quan entre són ser
        ha han pot dels als sobre sense fins molt on perquè hi ho què tot""",
    "hr": """i u na je se da za od su s o kao ali koji koja koje iz po ne to bi ili sam smo nije samo što kako kada gdje može biti
        više između nakon prije te ima njegov njihov ovaj ova ovo""",
    "ru": """и в не на что я с он как это по но они к у ты из мы за вы так же от было о для при его еще или ее если может быть когда
        только более также чтобы был была были есть нет где все их которые который которая этого этот эта до вам вас""",
    "uk": """і в не на що я з він як це по але вони до у ти із ми за ви так же від було про для при його ще або її якщо може бути коли
        тільки більше також щоб був була були є немає де всі їх які який яка цього цей ця та й""",
    "bg": """и в не на че аз с той като това по но те към у ти от ние за вие така се беше при му още или ако може да бъде когато само
        повече също са съм има няма където всички който която които този тази ще""",
}

LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _language, _text in _LISTS.items():
    for _word in _text.split():
        LANGUAGES_OF[_word] = (*LANGUAGES_OF.get(_word, ()), _language)
"""Word to the languages in which it is frequent."""
