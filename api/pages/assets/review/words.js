// The words of this page for the API's values.

const CHANNELS = { chat: "Web chat", form: "Web form", email: "Email", whatsapp: "WhatsApp" };
const TRENDS = { improving: "improving", steady: "steady", worsening: "getting worse" };
const DELIVERIES = {
  pending: "Waiting to be sent",
  sending: "Being sent",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not delivered",
  unknown: "Unknown whether it arrived",
};

const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/** "product_safety" → "Product safety". */
export function plainWords(name) {
  const words = String(name).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const channelName = (channel) => CHANNELS[channel] ?? plainWords(channel);
export const trendName = (trend) => TRENDS[trend] ?? plainWords(trend);
export const deliveryName = (delivery) => DELIVERIES[delivery] ?? null;
export const percent = (share) => `${Math.round(share * 100)} %`;

export function languageName(code) {
  if (!code) return "Not known";
  try {
    return languages.of(code);
  } catch {
    return code;
  }
}

/** A word for a share of 1: none, slight, clear, strong. */
export function strength(value) {
  if (value < 0.15) return "none";
  if (value < 0.4) return "slight";
  return value < 0.7 ? "clear" : "strong";
}

/** A word for a polarity in [-1, 1]. */
export function polarityName(value) {
  if (value <= -0.6) return "very negative";
  if (value <= -0.2) return "negative";
  if (value < 0.2) return "neutral";
  return value < 0.6 ? "positive" : "very positive";
}
