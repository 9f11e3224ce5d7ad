from photosync.__main__ import console

console()
