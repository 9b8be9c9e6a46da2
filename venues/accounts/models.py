"""Keys of accounts at other venues. Secrets are stored encrypted, as those of our own API keys."""

from django.core.validators import RegexValidator
from django.db import models

from exchange.vault import sealed, unsealed


class VenueAccount(models.Model):
    """An account at a venue, which brokers may use while it is enabled."""

    name = models.CharField(
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z",
                "Use letters, digits, '.', '_' and '-', and begin with a letter or digit.",
            )
        ],
    )
    venue = models.CharField(max_length=64)
    url = models.CharField(
        max_length=200, blank=True, help_text="Address instead of the venue's own."
    )
    api_key = models.CharField(max_length=200)
    sealed_secret = models.BinaryField()
    is_enabled = models.BooleanField(default=False, help_text="Whether orders may be sent.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """Return the secret; raise exchange.vault.SealError if the key of the settings changed."""
        return unsealed(bytes(self.sealed_secret))

    @secret.setter
    def secret(self, value: str) -> None:
        self.sealed_secret = sealed(value)
