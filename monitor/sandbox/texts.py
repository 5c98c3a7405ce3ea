"""What businesses and their customers write to each other in simulated traffic.

Texts are templates: ``{first}`` is the customer's first name, the rest is filled in by ``fill``. Web addresses are at
example.com, firms are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Exchange:
    """A text of a business with the replies that customers give to it. ``language`` is a BCP 47 tag."""

    text: str
    replies: tuple[str, ...]
    language: str = "en"
    weight: int = 4


DEFAULT_LANGUAGE = "en"
_FIRMS = ("Juniper Lane", "Kestrel Parcels", "Harbor Dental", "Northlight Bank", "Mossbrook Clinic", "Tern Air")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_STREETS = ("12 Alder Street", "48 Canal Row", "7 Old Mill Lane", "230 Fern Avenue")

EXCHANGES: tuple[Exchange, ...] = (
    # Parcels
    Exchange(
        "{firm}: your parcel {order} is out for delivery and arrives between {hour}:00 and {later}:00. "
        "Track it: https://example.com/t/{order}",
        ("Can you leave it with the neighbour?", "great thanks 👍", "I'm out until 6, could it come tomorrow instead?"),
        weight=8,
    ),
    Exchange(
        "Hi {first}, we tried to deliver order {order} today but nobody was in. Reply 1 to try again on {day}, "
        "2 to collect it.",
        ("1", "2", "Try again on {day} please", "nobody rang the bell??"),
        weight=6,
    ),
    Exchange("Delivered 📦 Order {order} is at your front door, {street}.", ("Got it, thank you!", "Not here yet…")),
    Exchange(
        "{firm}: order {order} has left our warehouse 🚚",
        ("thx", "When will it be here?", "Can I still change the address to {street}?"),
    ),
    # Codes
    Exchange(
        "{code} is your {firm} verification code. It expires in 10 minutes.", ("{code}", "I did not ask for this")
    ),
    Exchange(
        "[{firm}] Your one-time code is {code}. Never share it, our staff will never ask for it.",
        ("{code}", "the code does not work", "who is this?"),
        weight=6,
    ),
    Exchange("<#> Sign-in code: {code}", ("{code}",), weight=2),
    # Appointments
    Exchange(
        "Reminder: {first}, you have an appointment at {firm} on {day} at {hour}:30. Reply C to confirm or R to "
        "reschedule.",
        ("C", "R", "Confirmed, see you then", "Could we make it {later}:00 instead?"),
        weight=8,
    ),
    Exchange(
        "Your table for {small} is booked for {day}, {later}:00. See you soon! 🍝",
        ("Could we be {small} instead?", "Is there a high chair?", "See you!"),
    ),
    Exchange("Your prescription is ready to collect at {firm}, {street}.", ("Thank you", "Are you open on Saturday?")),
    Exchange(
        "Hi {first}, this is {firm}. Your test results are in. Please call us between 9 and 5, no need to worry.",
        ("ok will do", "Can you email them to me?"),
    ),
    # Money
    Exchange(
        "{firm}: a payment of ${amount} to GREENGROCER was made with your card ending {tail}. Not you? Reply NO.",
        ("NO", "yes that was me", "What is this??"),
        weight=5,
    ),
    Exchange("Your invoice {order} over ${amount} is due on {day}.", ("Paid just now", "Can I pay in two parts?")),
    Exchange(
        "Refund of ${amount} is on its way, allow 3 to 5 working days.", ("Thanks for the quick help!", "finally 🙏")
    ),
    # Travel
    Exchange(
        "✈️ {firm}: flight TN{tail} now departs at {hour}:45 from gate B{small}. Sorry for the delay.",
        ("Will I make my connection?", "👍", "That is the third time today"),
    ),
    Exchange(
        "Your ride is here: silver hatchback, plate ending {tail}.", ("2 min please", "on my way", "I can't see you")
    ),
    # Marketing and opting out
    Exchange(
        "🎉 50% off everything at {firm} until {day}! https://example.com/sale Reply STOP to opt out.",
        ("STOP", "Stop", "UNSUBSCRIBE", "does that include shoes?"),
        weight=4,
    ),
    Exchange(
        "You are subscribed to {firm} alerts. Msg & data rates may apply. HELP for help.", ("HELP", "STOP"), weight=2
    ),
    Exchange(
        "How did we do, {first}? Answer with a number from 1 (poor) to 5 (great).", ("5", "4", "1", "5 ⭐⭐⭐⭐⭐")
    ),
    # Service
    Exchange(
        "Hello {first}, this is Priya from {firm}. I have looked into your question about order {order}: the blue one "
        "is back in stock next {day}. Shall I put one aside for you?",
        ("Yes please!", "no thanks", "How much is it?", "Is it the same size as the old one?"),
        weight=6,
    ),
    Exchange(
        "Thanks for your patience. Is there anything else I can help with?", ("No that's all 😊", "yes, one more thing")
    ),
    Exchange(
        "{firm} service notice\n\n"
        "Dear {first}, on {day} between 01:00 and 05:00 we will move your account to our new platform. During that "
        "time you cannot sign in, pay or change your plan. Your number, your balance and your contract stay as they "
        "are, and there is nothing that you have to do.\n\n"
        "If you use the app, please update it to version {small}.0 before {day}. If something does not work "
        "afterwards, answer this message and we will call you back within one working day.\n\n"
        "Kind regards,\nThe {firm} team",
        (
            "ok",
            "I have read this twice and I still do not understand whether my direct debit goes on as before or whether "
            "I have to set it up again in the new app. My last invoice was {order}. Could somebody please call me? Any "
            "day after {hour}:00 is fine.",
        ),
        weight=2,
    ),
    # Other languages
    Exchange(
        "Hola {first}, tu pedido {order} llega mañana entre las {hour} y las {later} h.",
        ("¡Gracias!", "¿Puede ser más tarde?"),
        "es",
    ),
    Exchange("{code} es tu código de verificación. No lo compartas con nadie.", ("{code}", "¿Quién es?"), "es"),
    Exchange(
        "Bonjour {first}, votre rendez-vous est confirmé pour demain à {hour} h 30.",
        ("Parfait, merci", "Je dois annuler, désolé"),
        "fr",
    ),
    Exchange(
        "Ihr Paket {order} wird heute zugestellt. Größe: {small} kg.",
        ("Bitte beim Nachbarn abgeben", "Super, danke schön!"),
        "de",
    ),
    Exchange(
        "Cześć {first}, Twoja paczka {order} czeka w punkcie odbioru.", ("Dziękuję!", "Do której jest otwarte?"), "pl"
    ),
    Exchange("Olá {first}, o seu pedido {order} saiu para entrega.", ("Obrigado 🙂", "Não estou em casa"), "pt"),
    Exchange(
        "مرحباً {first}، طلبك رقم {order} في الطريق إليك اليوم.",
        ("شكراً جزيلاً", "متى يصل بالضبط؟", "من فضلك اتصل بي"),
        "ar",
    ),
    Exchange("رمز التحقق الخاص بك هو {code}", ("{code}", "لم أطلب هذا الرمز"), "ar"),
    Exchange("שלום {first}, התור שלך נקבע ליום ראשון בשעה {hour}:30.", ("תודה רבה", "אפשר לדחות?"), "he"),
    Exchange("{first}様、ご注文 {order} を発送しました。", ("ありがとうございます", "届け先を変更できますか？"), "ja"),
    Exchange("您的验证码是 {code}，10 分钟内有效。", ("{code}", "我没有请求验证码"), "zh"),
    Exchange("नमस्ते {first}, आपका ऑर्डर {order} आज पहुँच जाएगा।", ("धन्यवाद", "कितने बजे?"), "hi"),
    Exchange(
        "Привіт, {first}! Ваше замовлення {order} вже у відділенні.", ("Дякую!", "А до котрої ви працюєте?"), "uk"
    ),
    Exchange("{first}님, 예약이 내일 {hour}시로 확정되었습니다.", ("네, 감사합니다", "시간을 바꿀 수 있나요?"), "ko"),
)


def fill(rng: Random, first: str) -> dict[str, str]:
    """The values for one exchange: the same in a text and in the reply to it."""
    hour = rng.randint(8, 16)
    return {
        "first": first,
        "firm": rng.choice(_FIRMS),
        "day": rng.choice(_DAYS),
        "street": rng.choice(_STREETS),
        "order": f"{rng.choice('ABKMPX')}{rng.randint(1000, 9999)}-{rng.randint(10, 99)}",
        "code": f"{rng.randint(0, 999_999):06d}",
        "amount": f"{rng.randint(3, 480)}.{rng.randint(0, 99):02d}",
        "tail": f"{rng.randint(0, 9999):04d}",
        "small": str(rng.randint(2, 9)),
        "hour": str(hour),
        "later": str(hour + rng.randint(1, 4)),
    }
