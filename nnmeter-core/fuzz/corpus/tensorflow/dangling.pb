

aRelugone