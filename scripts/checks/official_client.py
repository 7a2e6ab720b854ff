"""The official client (icechunk) as the checks of this folder use it."""

import icechunk


def open_repository(folder):
    """A repository in a folder, allowed to read whatever files it refers to."""
    storage = icechunk.local_filesystem_storage(folder)
    containers = icechunk.Repository.fetch_config(storage).virtual_chunk_containers or {}
    access = {prefix: icechunk.credentials.LocalFileSystemAccess for prefix in containers}
    return icechunk.Repository.open(storage, authorize_virtual_chunk_access=access)
