# ruff: noqa: SIM905 - a list of words is read more easily without two quotes around each
"""The words of the invented support world: topics, queue names, products, companies, plain English.

Held-out words never stand in pre-training with their meaning: a held-out queue name is never an
answer, a held-out keyword never appears with its topic. They do occur as bare noise words, so that
the model has an embedding to copy.
"""

HELD_KEYWORDS = 2  # the last two of each row

TOPICS: tuple[tuple[str, ...], ...] = tuple(
    tuple(row.split())
    for row in """
refund repayment reimbursement rebate compensation restitution cashback credit chargeback moneyback
delay backlog holdup postponement wait lateness overrun deferral setback tardiness
crack dent scratch tear chip breakage shard puncture fracture dint
parcel package courier tracking depot carrier consignment mailroom whereabouts pallet
login password username passcode lockout captcha signin authenticator credential pin
invoice receipt bill statement vat ledger remittance billing bookkeeping proforma
card payment bank transaction wallet debit paypal autopay transfer mastercard
cancellation termination optout revocation withdrawal discontinuation resignation dropout quitting closure
upgrade plan tier premium license seat addon subscription enterprise trial
crash freeze bug exception stacktrace glitch malfunction fault segfault hang
latency lag sluggishness timeout buffering bottleneck throttling stutter slowness loadtime
wifi network bluetooth signal router hotspot ethernet modem antenna connectivity
battery charger voltage cable plug adapter socket overheating fuse outage
screen display pixel flicker backlight brightness touchscreen resolution monitor panel
sound speaker microphone volume headphone echo noise bass audio earbud
size fit width length sleeve waist collar measurement inseam hem
mixup mismatch variant lookalike substitute color shade edition mislabel miscount
exchange replacement return sendback trade dropoff relabel resend takeback swap
warranty repair guarantee technician workshop inspection maintenance spare servicing overhaul
privacy gdpr consent deletion erasure profile cookie anonymity disclosure optin
fraud phishing scam hacker impostor spoof breach theft forgery malware
address street postcode apartment relocation doorstep reroute zipcode mailbox intercom
discount coupon promo voucher sale loyalty bonus gift bargain markdown
setup install firmware driver update download activation patch configuration wizard
report csv spreadsheet dashboard chart analytics pdf export graph pivot
api webhook integration token plugin connector endpoint oauth sandbox sdk
job vacancy salary internship career resume recruiter interview payroll apprenticeship
booking reservation appointment calendar slot timetable checkin itinerary reschedule visit
allergy ingredient gluten nut flavor nutrition expiry recipe sugar vitamin
customs import duty border tariff clearance shipment declaration freight embargo
rudeness manager complaint attitude behavior apology insult clerk hostility politeness
wholesale bulk quote reseller distributor contract tender partner quantity procurement
""".strip().splitlines()
)

QUEUES = tuple(
    """
maple harbor falcon cedar comet willow granite meadow lantern pebble raven tundra velvet walnut
zephyr anchor canyon delta ember fjord hazel indigo jasper kestrel lagoon nectar onyx prairie
ridge thistle umber valley wharf yarrow zinc aspen beacon dune elm fern grove iris juniper knoll
marsh nova olive pine quail reef teal ursa wren agate brook coral dahlia finch garnet holly ivory
jade linden mint north opal plum quill rowan topaz unity west acorn basil clover eagle flint
hawk jet karst larch moss oakum pearl quarry rapid tiger vega wave alder bronze crane dawn frost
gale hill jolly koala lime moon ochre poppy quest swan tulip vine wolf bison cliff dove eden fox
glen ibis jay kelp mesa
""".split()
)
HELD_QUEUES = tuple(
    """
oak sierra viola vale birch cobalt heron lotus amber orbit saffron glacier mosaic quartz sage
kite slate ginger isle nimbus stone ultra east rose upland axis hive lark noble osprey petal raft
sparrow trout unicorn yew crocus pelican basalt tamarind
""".split()
)

PRODUCTS = tuple(
    """
chair laptop phone tablet camera desk mirror heater fridge oven carpet vacuum mixer keyboard shelf
mattress boots tripod projector fan razor piano bench ladder drill saw pump stroller crib puzzle
novel poster candle bottle umbrella glove scarf belt ring pillow kayak
""".split()
)
HELD_PRODUCTS = tuple(
    """
mug lamp kettle jacket helmet blender sofa scooter backpack printer bicycle tent toaster watch
guitar drone
""".split()
)

COMPANIES = tuple(
    """
acme borealis cygnus dynamo evergreen fabrika globex hooli initech kinetix lumina monarch nexus
orion paragon quantum rivermill solara terranova vertex wayfarer xenon yonder zenith altura
bluebird cobra dorado elmwood foxtrot gemini horizon ironside junction
""".split()
)
HELD_COMPANIES = tuple(
    "keystone lakeside meridian northwind oakley pinnacle redwood summit tribeca vanguard yellowtail".split()
)

# What a queue does with a ticket. {it} is the product of the ticket, or `it`.
ACTIONS = tuple(
    """
sorry , we replace {it} this week
please send {it} back to us
our team checks {it} today
a colleague calls you about {it}
thanks , we keep {it} on file
kindly restart {it} and tell us
we open a case for {it}
done , {it} is on the way
an engineer looks at {it} tomorrow
nothing to do , {it} is fine
tell us more about {it} please
you get a new one for {it}
the office will write about {it}
good news , {it} ships on monday
money for {it} is coming soon
let us test {it} first
expect a letter about {it}
follow the steps we sent for {it}
bring {it} to the nearest shop
noted , {it} goes to the boss
allow two days for {it}
sign the form for {it}
someone visits you to see {it}
see our page about {it}
every part of {it} is free now
keep {it} , it is yours
read the guide for {it} again
change the date for {it} online
leave {it} at the door today
use the new code for {it}
hold on , {it} is under review
all set , {it} works again
""".strip().splitlines()
)

# Words that support mail is made of; noise for the generator, whole tokens for everybody's text.
PLAIN = tuple(
    """
a able about above accept access account across action active actually add after afternoon again
against ago agree ahead all allow almost alone along already also although always am amount an and
another answer any anyone anything anyway app apparently apply are area around arrive arrived as
ask asked at attached available away awful back bad be because been before began behind being
believe below best better between big black blue book both bought box break bring broke broken
brown browser business busy but button buy by call called can cannot case cause central chance
change changed charge charged chat check checked child choose city clear click close closed code
cold come comes coming common company computer concerned confirm confirmed connect contact
continue correct cost could country couple course cover create current currently customer daily
data date day days dear december delete deliver delivered delivery department describe detail
details device did different difficult digit do document does doing dollar done door down drop due
during each early easy edit eight either else email empty end enough enter error even evening ever
every everyone everything exactly example expect expected explain extra fail failed fails family
far fast few field figure file fill final finally find fine finish first five fix fixed floor
follow following for forget forgot form forward found four free friday friend from front full
further gave get gets getting give given go goes going gone good got great green had half hand
happen happened happens happy hard has have having he hear heard hello help her here hey hi high
him his home hope hour hours house how however hundred i idea if immediately important impossible
in inbox include information inside instead into invalid is issue it item items its itself january
july june just keep kept key kind know language large last late later least leave left less let
letter level light like limit line link list little live local lock long longer look looking lost
lot low machine made mail main make makes making many march matter may maybe me mean means meet
member message might mine minute minutes missing mistake mobile moment monday money month months
more morning most move mr mrs much must my myself name near need needed needs never new news next
nice night nine no nobody none normal not note nothing november now number october of off offer
office often ok okay old on once one online only open opened option or order ordered orders other
our out over own page paid paper part past pay people per perhaps period person pick picture piece
place placed please point possible post power present press price print private problem problems
process product provide public pull push put question questions quick quickly quite rather reach
read ready real really reason receive received recent recently red reference regarding regards
remember remove reply request resolve respond response rest result right room run running safe
said same saturday save saw say says second secure security see seem seems seen select sell send
sender sent september serious service set seven several she ship shipped shipping shop short
should show shows side sign since sincerely site six small so sold solution solve some someone
something soon sorry speak special spend spoke stand start started state stay step steps still
stock stop stopped store story strange such sunday supplier support sure system take taken takes
talk team tell ten terms test than thank thanks that the their them then there these they thing
things think third this those though thought three through thursday ticket till time times tired
title to today together told tomorrow tonight too took top total town tried true try trying
tuesday turn twice two type under understand until up upset urgent us use used user using usual
value very via wait waiting want wanted warehouse was water way we website wednesday week weekend
weeks well went were what when where whether which while white who whole why will window wish with
within without word work worked working works world worse worst would write wrong year years yes
yesterday yet you your yours zero
street www http https com org net de uk fr iban tel ip id log info warn debug
""".split()
)
