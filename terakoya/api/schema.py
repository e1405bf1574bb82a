"""What all shapes have in common, and the shape of an error."""

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """Base of all API shapes: unknown fields are refused, so that a typing error is not lost."""

    model_config = ConfigDict(extra="forbid")


class ErrorBody(Schema):
    """Every error reply of the service."""

    code: str
    message: str
