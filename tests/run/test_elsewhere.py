import pytest
from sqlalchemy.engine import make_url

from ventros.development.elsewhere import require_postgres, require_redis
from ventros.development.errors import StackFailed


async def test_an_answering_postgresql_is_accepted_and_a_missing_database_is_named(admin_url: str) -> None:
    await require_postgres(admin_url)

    missing = make_url(admin_url).set(database="no_such_one").render_as_string(hide_password=False)
    with pytest.raises(
        StackFailed, match=r'as DATABASE_URL says: database "no_such_one" does not exist\. Set'
    ):
        await require_postgres(missing)


@pytest.mark.parametrize(
    "url", ["postgresql://user:s3cret@127.0.0.1:1/name", "mysql://user:s3cret@127.0.0.1/name"]
)
async def test_an_unusable_database_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(StackFailed, match="PostgreSQL cannot be used as DATABASE_URL says: ") as refusal:
        await require_postgres(url)

    assert "s3cret" not in str(refusal.value)


def test_an_answering_redis_is_accepted(redis_url: str) -> None:
    require_redis(redis_url)


@pytest.mark.parametrize("url", ["redis://:s3cret@127.0.0.1:1/0", "amqp://:s3cret@127.0.0.1"])
def test_an_unusable_redis_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(StackFailed, match="Redis cannot be used as REDIS_URL says: ") as refusal:
        require_redis(url)

    assert "s3cret" not in str(refusal.value)
