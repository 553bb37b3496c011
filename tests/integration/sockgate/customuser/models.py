"""A user model with only the fields that Django requires: a UUID, no groups, no is_active."""

from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid4)
    email = models.EmailField(unique=True)
    nonce = models.IntegerField(default=0)

    USERNAME_FIELD = "email"
    objects = BaseUserManager()

    class Meta:
        app_label = "customuser"

    def get_session_auth_hash(self) -> str:
        return f"{super().get_session_auth_hash()}.{self.nonce}"
