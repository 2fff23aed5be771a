"""Run in the peer's own environment: what detect-secrets' keyed plugins find in probes and in code.

Its two entropy plugins are left out: on code they raise an alarm in every few lines.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

KEYED = [
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
]


def main() -> None:
    """Print figures as one JSON object."""
    read = json.loads(Path(sys.argv[1]).read_text())
    with transient_settings({"plugins_used": [{"name": name} for name in KEYED]}):
        found = 0
        for text, value in read["probes"]:
            said = [each.secret_value or "" for line in text.splitlines() for each in scan_line(line)]
            found += any(each and (each in value or value in each) for each in said)
        began = time.process_time()
        alarms = sum(1 for text in read["code"] for line in text.splitlines() for _ in scan_line(line))
        spent = time.process_time() - began
    characters = sum(map(len, read["code"]))
    figures = {
        "found_share": found / len(read["probes"]),
        "false_per_million_chars": alarms / characters * 1e6,
        "million_chars_per_cpu_second": characters / spent / 1e6,
    }
    print(json.dumps(figures))


main()
